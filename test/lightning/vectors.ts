import { readFileSync } from 'node:fs';

/** Parses a file of test/vectors. */
export function vectors(name: string) {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8'));
}

export const golden = vectors('golden-vectors.json') as {
  identity: { id: string; identityKey: string; pubkey: string; ephemeral: string; ecdh: string }[];
  stateless: (Record<'id' | 'key' | 'random16' | 'amtMsat' | 'paymentAddr', string> &
    Record<'preimage' | 'paymentHash', string> & { expiryUnix: number })[];
  virtualChannel: { id: string; node: string; dec: string }[];
  setId: { id: string; keys: { node: string; chan_id: string; htlc_id: string }[]; setId: string }[];
  invoices: GoldenInvoice[];
  failures: { id: string; sharedSecret: string; message: string; reason: string }[];
  onion: Record<'key' | 'sessionKey' | 'assocData' | 'payload' | 'sharedSecret' | 'onion', string>;
};

export interface GoldenInvoice {
  id: string;
  net: 'regtest' | 'mainnet' | 'testnet';
  key: string;
  timestamp: number;
  expirySecs: number;
  amtMsat: string;
  description?: string;
  descriptionHash?: string;
  nodes: string[];
  policy: { base: number; ppm: number; delta: number };
  paymentAddr: string;
  paymentHash: string;
  invoice: string;
}

export function identityKey(id: string): Uint8Array {
  return bytes(golden.identity.find((each) => each.id === id)!.identityKey);
}

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}
