import { createRequire } from 'node:module';
import type * as Bolt11Package from 'bolt11';
import { type NodeId, nodeIdFromBytes, nodeIdFromText } from '../domain/hash.ts';
import type { Msat } from '../domain/msat.ts';
import { type Bech32, decodeBech32, encodeBech32, writeBytes } from './bech32.ts';
import {
  HASH_WORDS,
  HINT_HOP_BYTES,
  invoiceDigest,
  type RouteHint,
  SIGNATURE_WORDS,
  TAG,
  TIMESTAMP_WORDS,
} from './bolt11Format.ts';
import { isValidPublicKey, recoverPublicKey, verify } from './crypto.ts';
import { DecodeError } from './errors.ts';
import { type Network, networkFromInvoicePrefix } from './networks.ts';

const DEFAULT_EXPIRY_SECS = 3600;
const DEFAULT_FINAL_CLTV_DELTA = 18;
const PAYEE_WORDS = 53;

/** Even feature bits that a payer of ours meets: TLV onion, payment address, multi-part, payment metadata. */
const KNOWN_REQUIRED_FEATURES: ReadonlySet<number> = new Set([8, 14, 16, 48]);

/** An invoice as its payer reads it. */
export interface DecodedInvoice {
  /** `lntb` invoices are reported as testnet, though testnet4 uses the prefix too. */
  readonly network: Network;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly expirySecs: number;
  /** Undefined when the payer chooses. */
  readonly amountMsat: Msat | undefined;
  readonly paymentHash: Uint8Array;
  readonly paymentAddr: Uint8Array;
  readonly description: string | undefined;
  readonly descriptionHash: Uint8Array | undefined;
  readonly payee: NodeId;
  /** Routes of one or more hops each, the last hop leading to the payee. */
  readonly hints: readonly (readonly RouteHint[])[];
  readonly finalCltvDelta: number;
  readonly features: ReadonlySet<number>;
  /** To be repeated in the payload for the payee. */
  readonly metadata: Uint8Array | undefined;
}

interface Field {
  readonly tag: number;
  readonly words: Uint8Array;
}

type Tags = ReturnType<typeof Bolt11Package.decode>['tags'];

/**
 * Decodes an invoice (BOLT 11) through the bolt11 package, inside checks of our own where the package is lax:
 * structure and length, signature, fields that have to be skipped, required fields, required features.
 * Throws DecodeError invalid_invoice.
 */
export function decodeInvoice(text: string): DecodedInvoice {
  const bech32 = decodeBech32(text);
  const network = networkOf(bech32.prefix);
  const signedWords = bech32.words.subarray(0, -SIGNATURE_WORDS);
  if (bech32.words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) throw invalid('invoice is too short');
  const all = readFields(signedWords);
  const payee = payeeOf(bech32, all);
  const features = featuresOf(all);
  const fields = relevantFields(all);
  const { timestamp, millisatoshis, tags } = decodeWithPackage(bech32, fields);
  const description = first<string>(tags, 'description');
  const descriptionHash = first<string>(tags, 'purpose_commit_hash');
  if ((description === undefined) === (descriptionHash === undefined)) {
    throw invalid('needs either a description or its hash');
  }
  const metadata = all.find(({ tag }) => tag === TAG.metadata);
  return {
    network,
    timestamp: number(timestamp, 'timestamp'),
    expirySecs: number(first<number>(tags, 'expire_time') ?? DEFAULT_EXPIRY_SECS, 'expiry'),
    amountMsat: millisatoshis ? BigInt(millisatoshis) : undefined,
    paymentHash: hash(first<string>(tags, 'payment_hash'), 'payment hash'),
    paymentAddr: hash(first<string>(tags, 'payment_secret'), 'payment address'),
    description,
    descriptionHash: descriptionHash === undefined ? undefined : hash(descriptionHash, 'description hash'),
    payee,
    hints: tags.filter(({ tagName }) => tagName === 'routing_info').map(({ data }) => hintOf(data)),
    finalCltvDelta: number(first<number>(tags, 'min_final_cltv_expiry') ?? DEFAULT_FINAL_CLTV_DELTA, 'cltv'),
    features,
    metadata: metadata && bytesOf(metadata.words),
  };
}

function networkOf(prefix: string): Network {
  const match = /^(ln[a-z]+)(?:[1-9][0-9]{0,19}[munp]?)?$/.exec(prefix);
  const network = match?.[1] && networkFromInvoicePrefix(match[1]);
  if (!network) throw invalid('unknown network or malformed amount');
  return network.name;
}

/** Splits the words between timestamp and signature; every length has to stay inside. */
function readFields(words: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let offset = TIMESTAMP_WORDS; offset < words.length; ) {
    const [tag, high, low] = words.subarray(offset, offset + 3);
    if (tag === undefined || high === undefined || low === undefined) throw invalid('field is cut off');
    const end = offset + 3 + high * 32 + low;
    if (end > words.length) throw invalid('field is cut off');
    fields.push({ tag, words: words.subarray(offset + 3, end) });
    offset = end;
  }
  return fields;
}

/** The payee: stated and verified against a low-S signature, or else recovered from the signature. */
function payeeOf({ prefix, words }: Bech32, fields: readonly Field[]): NodeId {
  const bytes = bytesOf(words.subarray(-SIGNATURE_WORDS));
  const signature = bytes.subarray(0, 64);
  const digest = invoiceDigest(prefix, words.subarray(0, -SIGNATURE_WORDS));
  const stated = fields.find((field) => field.tag === TAG.payee && field.words.length === PAYEE_WORDS);
  if (stated) {
    const key = bytesOf(stated.words);
    if (!verify(signature, digest, key)) throw invalid('signature is not the payee’s');
    return nodeIdFromBytes(key)!;
  }
  const recovered = recoverPublicKey(signature, bytes[64] ?? 4, digest);
  const payee = recovered && nodeIdFromBytes(recovered);
  if (!payee) throw invalid('signature is not recoverable');
  return payee;
}

function featuresOf(fields: readonly Field[]): ReadonlySet<number> {
  const words = fields.find(({ tag }) => tag === TAG.features)?.words ?? new Uint8Array();
  const features = new Set<number>();
  for (const [index, word] of words.entries()) {
    for (let bit = 0; bit < 5; bit++) {
      if ((word >> bit) & 1) features.add((words.length - 1 - index) * 5 + bit);
    }
  }
  for (const bit of features) {
    if (bit % 2 === 0 && !KNOWN_REQUIRED_FEATURES.has(bit)) throw invalid(`requires unknown feature ${bit}`);
  }
  return features;
}

/**
 * The fields whose values the package is asked for: the first of each kind and all route hints. BOLT 11 has hash
 * fields of another length skipped, where the package would take them, or refuse the invoice.
 */
function relevantFields(fields: readonly Field[]): Field[] {
  const single = new Set<number>([TAG.description, TAG.expiry, TAG.finalCltvDelta]);
  const hashes = new Set<number>([TAG.paymentHash, TAG.descriptionHash, TAG.paymentAddr]);
  const seen = new Set<number>();
  return fields.filter(({ tag, words }) => {
    if (tag === TAG.routeHint) {
      const bytes = Math.floor((words.length * 5) / 8);
      if (bytes === 0 || bytes % HINT_HOP_BYTES !== 0) throw invalid('route hint has a wrong length');
      return true;
    }
    const wanted = single.has(tag) || (hashes.has(tag) && words.length === HASH_WORDS);
    if (!wanted || seen.has(tag)) return false;
    seen.add(tag);
    if (tag === TAG.description) checkUtf8(words);
    return true;
  });
}

function checkUtf8(words: Uint8Array): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(words));
  } catch {
    throw invalid('description is not UTF-8');
  }
}

const require = createRequire(import.meta.url);
let bolt11: typeof Bolt11Package | undefined;

/**
 * Values by the package, from an invoice with the given fields only. Its signature does not match any more where
 * fields were left out; it has been verified before, and the package checks it against no key without `n` field.
 */
function decodeWithPackage({ prefix, words }: Bech32, fields: readonly Field[]) {
  // Loaded at first use: only payers decode, and the package with its dependencies takes long to load.
  bolt11 ??= require('bolt11') as typeof Bolt11Package;
  const parts = [
    words.subarray(0, TIMESTAMP_WORDS),
    ...fields.flatMap((field) => [
      Uint8Array.of(field.tag, field.words.length >> 5, field.words.length & 31),
      field.words,
    ]),
    words.subarray(-SIGNATURE_WORDS),
  ];
  const chain = /^ln([a-z]+)/.exec(prefix)?.[1] ?? '';
  const network = { bech32: chain, pubKeyHash: 0, scriptHash: 0, validWitnessVersions: [] };
  try {
    return bolt11.decode(encodeBech32(prefix, Uint8Array.from(Buffer.concat(parts))), network);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message.slice(0, 100) : 'malformed invoice');
  }
}

function first<T extends string | number>(tags: Tags, name: string): T | undefined {
  return tags.find(({ tagName }) => tagName === name)?.data as T | undefined;
}

function hintOf(data: Tags[number]['data']): RouteHint[] {
  const hops = data as NonNullable<Bolt11Package.TagsObject['routing_info']>;
  return hops.map((hop) => {
    const nodeId = nodeIdFromText(hop.pubkey);
    if (!nodeId || !isValidPublicKey(Buffer.from(nodeId, 'hex')))
      throw invalid('route hint has a bad node key');
    return {
      nodeId,
      chanId: BigInt(`0x${hop.short_channel_id}`),
      feeBaseMsat: hop.fee_base_msat,
      feeRatePpm: hop.fee_proportional_millionths,
      cltvDelta: hop.cltv_expiry_delta,
    };
  });
}

function hash(hex: string | undefined, what: string): Uint8Array {
  if (hex?.length !== 64) throw invalid(`${what} is missing`);
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function number(value: number | undefined, what: string): number {
  if (value === undefined || !Number.isSafeInteger(value)) throw invalid(`${what} out of range`);
  return value;
}

/** The whole bytes in the words; padding bits are dropped. */
function bytesOf(words: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * 5) / 8));
  writeBytes(bytes, 0, words);
  return bytes.subarray(0, Math.floor((words.length * 5) / 8));
}

function invalid(message: string): DecodeError {
  return new DecodeError('invalid_invoice', message);
}
