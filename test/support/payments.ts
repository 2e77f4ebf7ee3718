import type { HtlcOffer } from '../../src/actors/ports/nodeLink.ts';
import type { NodeId, PaymentHash } from '../../src/domain/hash.ts';
import { paymentHashFromBytes } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import { publicKeyOf } from '../../src/lightning/crypto.ts';
import { type FailureMessage, parseFailureMessage } from '../../src/lightning/failureMessage.ts';
import { decryptFailure } from '../../src/lightning/failureOnion.ts';
import { encodeFinalPayload } from '../../src/lightning/finalPayload.ts';
import { buildOnion } from '../../src/lightning/onion.ts';
import { encodePaymentAddr, PreimageDeriver } from '../../src/lightning/paymentAddr.ts';

export const IDENTITY_KEY = Buffer.from(
  '81b637d8fcd2c6da6859e6963113a1170de793e4b725b84d1e0b4cf99ec58ce9',
  'hex',
);
export const ALICE = '02e1ce77dfdda9fd1cf5e9d796faf57d1cedef9803aec84a6d7f8487d32781341e' as NodeId;
export const BOB = '0314aaf9b2547682b81977b3ac0c5585c3521a0a5430fb410cb572d5c72364edf3' as NodeId;

const PUBLIC_KEY = publicKeyOf(IDENTITY_KEY);
const deriver = new PreimageDeriver(IDENTITY_KEY);

/** An invoice as its payer knows it, and its preimage. */
export interface TestInvoice {
  readonly paymentAddr: Uint8Array;
  readonly paymentHash: PaymentHash;
  readonly amountMsat: bigint;
  readonly preimage: string;
}

let issued = 0;

/** A stateless invoice of the virtual node. */
export function testInvoice(amountMsat: bigint, expiresAt = 1_700_003_600): TestInvoice {
  issued += 1;
  const random16 = new Uint8Array(16);
  new DataView(random16.buffer).setUint32(0, issued);
  const paymentAddr = encodePaymentAddr({ random16, expiresAt, amountMsat });
  return {
    paymentAddr,
    amountMsat,
    paymentHash: paymentHashFromBytes(deriver.paymentHash(paymentAddr))!,
    preimage: Buffer.from(deriver.preimage(paymentAddr)).toString('hex'),
  };
}

export interface PartChoices {
  readonly nodeId?: NodeId;
  readonly chanId?: bigint;
  readonly htlcId?: bigint;
  readonly amountMsat?: bigint;
  readonly totalMsat?: bigint;
  /** What lnd reports; the same as in the payload unless said. */
  readonly incomingAmountMsat?: bigint;
  readonly outgoingAmountMsat?: bigint;
  readonly incomingExpiry?: number;
  readonly outgoingExpiry?: number;
  readonly payloadExpiry?: number;
  readonly autoFailHeight?: number;
  readonly onChain?: boolean;
  /** Of the virtual node; that of {@link IDENTITY_KEY} unless said. */
  readonly publicKey?: Uint8Array;
  /** Instead of the invoice's. */
  readonly paymentAddr?: Uint8Array;
  /** Without payment_data. */
  readonly keysend?: boolean;
  /** The whole hop payload. */
  readonly payload?: Uint8Array;
}

/** An HTLC that pays (part of) an invoice, and how its payer reads the failure. */
export interface TestPart {
  readonly id: PartId;
  readonly offer: HtlcOffer;
  /** Undefined when the failure can't be read with the onion's secret. */
  read(onion: Uint8Array): FailureMessage | undefined;
}

let sent = 0n;

/** Makes the HTLC: a real onion for the virtual node, heights around 1000, lnd's auto-fail 19 blocks before expiry. */
export function testPart(invoice: TestInvoice, choices: PartChoices = {}): TestPart {
  sent += 1n;
  const { nodeId = ALICE, chanId = 700_000n << 40n, htlcId = sent, outgoingExpiry = 1040 } = choices;
  const amountMsat = choices.amountMsat ?? invoice.amountMsat;
  const paymentAddr = choices.paymentAddr ?? invoice.paymentAddr;
  const totalMsat = choices.totalMsat ?? invoice.amountMsat;
  const payload =
    choices.payload ??
    encodeFinalPayload({
      amountMsat,
      cltvExpiry: choices.payloadExpiry ?? outgoingExpiry,
      ...(choices.keysend ? {} : { paymentData: { paymentAddr, totalMsat } }),
    });
  const paymentHash = Buffer.from(invoice.paymentHash, 'hex');
  const sessionKey = new Uint8Array(32).fill(7);
  new DataView(sessionKey.buffer).setBigUint64(0, sent);
  const { onionBlob, sharedSecrets } = buildOnion({
    sessionKey,
    paymentHash,
    hops: [{ publicKey: choices.publicKey ?? PUBLIC_KEY, payload }],
  });
  const incomingExpiry = choices.incomingExpiry ?? outgoingExpiry + 40;
  const outgoingAmountMsat = choices.outgoingAmountMsat ?? amountMsat;
  const offer: HtlcOffer = {
    key: { nodeId, chanId, htlcId },
    paymentHash: invoice.paymentHash,
    incomingAmountMsat: choices.incomingAmountMsat ?? outgoingAmountMsat + outgoingAmountMsat / 100n + 1_000n,
    outgoingAmountMsat,
    incomingExpiry,
    outgoingExpiry,
    autoFailHeight: choices.autoFailHeight ?? incomingExpiry - 19,
    onChain: choices.onChain ?? false,
    onionBlob,
  };
  return {
    id: partIdOf(offer.key),
    offer,
    read(onion) {
      const decrypted = decryptFailure(sharedSecrets, onion);
      return decrypted && parseFailureMessage(decrypted.message);
    },
  };
}
