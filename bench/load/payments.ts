import { hash, randomBytes } from 'node:crypto';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { toHex } from '../../src/domain/hex.ts';
import { publicKeyOf } from '../../src/lightning/crypto.ts';
import { encodeFinalPayload } from '../../src/lightning/finalPayload.ts';
import { ONION_BYTES } from '../../src/lightning/onionPacket.ts';
import { encodePaymentAddr, PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { OnionTemplate } from './onionTemplate.ts';

const SESSION_KEYS = 64;
const EXPIRY_SECS = 24 * 3600;
const PART_MSAT = 1_000_000n;

/** Payments to our identity key, ready to be sent: nothing of them is computed under load. */
export interface PreparedPayments {
  readonly count: number;
  /** Parts of each payment. */
  readonly parts: number;
  readonly partMsat: bigint;
  readonly outgoingExpiry: number;
  readonly hashes: readonly PaymentHash[];
  /** 1366 bytes; parts of a payment follow each other. The memory is that of all. */
  onion(payment: number, part: number): Uint8Array;
  /** Makes every onion one that can't be opened, at the nodes as well: theirs are views of these. */
  ruinOnions(): void;
}

/**
 * Prepares payments of so many parts. The payee's invoices need not be asked for: their payment addresses can be
 * made by whoever has the identity key.
 */
export function preparePayments(input: {
  readonly identityKey: Uint8Array;
  readonly count: number;
  readonly parts: number;
  readonly outgoingExpiry: number;
}): PreparedPayments {
  const { identityKey, count, parts, outgoingExpiry } = input;
  const deriver = new PreimageDeriver(identityKey);
  const totalMsat = PART_MSAT * BigInt(parts);
  const expiresAt = Math.floor(Date.now() / 1000) + EXPIRY_SECS;
  const random16 = randomBytes(16);
  const payloadFor = (paymentAddr: Uint8Array) =>
    encodeFinalPayload({
      amountMsat: PART_MSAT,
      cltvExpiry: outgoingExpiry,
      paymentData: { paymentAddr, totalMsat },
    });
  const templates = templatesFor(identityKey, payloadFor(new Uint8Array(32)));
  // One piece of memory outside of V8's heap: the collector of this process must not show in the figures.
  const onions = Buffer.allocUnsafeSlow(count * parts * ONION_BYTES);
  const at = (payment: number, part: number) => (payment * parts + part) * ONION_BYTES;
  const hashes: PaymentHash[] = [];
  for (let payment = 0; payment < count; payment++) {
    random16.writeUInt32BE(payment, 12);
    const paymentAddr = encodePaymentAddr({ random16, expiresAt, amountMsat: totalMsat });
    const paymentHash = hash('sha256', deriver.preimage(paymentAddr), 'buffer');
    const payload = payloadFor(paymentAddr);
    for (let part = 0; part < parts; part++) {
      const template = templates[(payment * parts + part) % SESSION_KEYS]!;
      const start = at(payment, part);
      template.write(onions.subarray(start, start + ONION_BYTES), payload, paymentHash);
    }
    hashes.push(toHex(paymentHash) as PaymentHash);
  }
  return {
    count,
    parts,
    partMsat: PART_MSAT,
    outgoingExpiry,
    hashes,
    ruinOnions: () => void onions.fill(0xff),
    onion: (payment, part) => onions.subarray(at(payment, part), at(payment, part) + ONION_BYTES),
  };
}

function templatesFor(identityKey: Uint8Array, examplePayload: Uint8Array): OnionTemplate[] {
  const publicKey = publicKeyOf(identityKey);
  return Array.from({ length: SESSION_KEYS }, (_, index) => {
    const sessionKey = new Uint8Array(hash('sha256', `session key ${index}`, 'buffer'));
    const template = new OnionTemplate(sessionKey, publicKey, examplePayload.length);
    template.check(examplePayload, new Uint8Array(32));
    return template;
  });
}
