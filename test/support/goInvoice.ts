import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as Bolt11Package from 'bolt11';

const bolt11 = createRequire(import.meta.url)('bolt11') as typeof Bolt11Package;

const REGTEST = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] };

export interface GoInvoiceInput {
  readonly identityKey: Uint8Array;
  /** Public keys of the nodes, as hex digits. */
  readonly nodes: readonly string[];
  readonly amountMsat: bigint;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly expirySecs: number;
  readonly feeBaseMsat?: number;
  readonly feeRatePpm?: number;
  readonly cltvDelta?: number;
}

export interface GoInvoice {
  readonly text: string;
  readonly paymentAddr: Buffer;
  readonly preimage: Buffer;
  readonly hash: Buffer;
}

/**
 * An invoice as the Go program made it, by its own rules and without a line of ours: what it asks is in the payment
 * address, under which the identity key derives the preimage, and each node is hinted with a channel out of its key.
 */
export function issueAsGo(input: GoInvoiceInput): GoInvoice {
  const { identityKey, nodes, amountMsat, timestamp, expirySecs } = input;
  const asked = Buffer.alloc(16);
  asked.writeBigUInt64BE(BigInt(timestamp + expirySecs), 0);
  asked.writeBigUInt64BE(amountMsat, 8);
  const paymentAddr = Buffer.concat([randomBytes(16), asked]);
  const preimage = createHmac('sha256', identityKey).update(paymentAddr).digest();
  const hash = createHash('sha256').update(preimage).digest();
  const hint = (pubkey: string) => ({
    tagName: 'routing_info',
    data: [
      {
        pubkey,
        short_channel_id: channelOf(pubkey),
        fee_base_msat: input.feeBaseMsat ?? 0,
        fee_proportional_millionths: input.feeRatePpm ?? 0,
        cltv_expiry_delta: input.cltvDelta ?? 40,
      },
    ],
  });
  const unsigned = bolt11.encode(
    {
      network: REGTEST,
      millisatoshis: String(amountMsat),
      timestamp,
      tags: [
        { tagName: 'payment_hash', data: hash.toString('hex') },
        { tagName: 'description', data: '' },
        { tagName: 'min_final_cltv_expiry', data: 40 },
        { tagName: 'expire_time', data: expirySecs },
        ...nodes.map(hint),
        { tagName: 'payment_secret', data: paymentAddr.toString('hex') },
        {
          tagName: 'feature_bits',
          data: {
            word_length: 4,
            var_onion_optin: { supported: true },
            payment_secret: { required: true },
            basic_mpp: { supported: true },
          },
        },
      ],
    },
    false,
  );
  const text = bolt11.sign(unsigned, Buffer.from(identityKey)).paymentRequest;
  if (text === undefined) throw new Error('not signed');
  return { text, paymentAddr, preimage, hash };
}

/** The last 8 bytes of the node's key, the top bit set. */
function channelOf(pubkey: string): string {
  const tail = Buffer.from(pubkey, 'hex').subarray(-8);
  return Buffer.from([tail[0]! | 0x80, ...tail.subarray(1)]).toString('hex');
}
