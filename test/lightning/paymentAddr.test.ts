import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/domain/hash.ts';
import { MAX_MSAT } from '../../src/domain/msat.ts';
import { setIdOf } from '../../src/domain/setId.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { networkFromInvoicePrefix, networkFromName, networkParams } from '../../src/lightning/networks.ts';
import { decodePaymentAddr, encodePaymentAddr, PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { anyBytes, u64 } from './arbitraries.ts';
import { bytes, golden, hex, identityKey } from './vectors.ts';

const LAST_EXPIRY = 8_640_000_000_000;

describe('payment addresses', () => {
  it.each(golden.stateless)('golden stateless data $id', (vector) => {
    const terms = { expiresAt: vector.expiryUnix, amountMsat: BigInt(vector.amtMsat) };
    const paymentAddr = encodePaymentAddr({ random16: bytes(vector.random16), ...terms });
    expect(hex(paymentAddr)).toBe(vector.paymentAddr);
    expect(decodePaymentAddr(paymentAddr)).toEqual(terms);
    const deriver = new PreimageDeriver(identityKey(vector.key));
    expect(hex(deriver.preimage(paymentAddr))).toBe(vector.preimage);
    expect(hex(deriver.paymentHash(paymentAddr))).toBe(vector.paymentHash);
  });

  it('state what was written', () => {
    const expiry = fc.integer({ min: 0, max: LAST_EXPIRY });
    const amount = fc.bigInt({ min: 1n, max: MAX_MSAT });
    fc.assert(
      fc.property(anyBytes(16), expiry, amount, (random16, expiresAt, amountMsat) => {
        const paymentAddr = encodePaymentAddr({ random16, expiresAt, amountMsat });
        expect(hex(paymentAddr.subarray(0, 16))).toBe(hex(random16));
        expect(decodePaymentAddr(paymentAddr)).toEqual({ expiresAt, amountMsat });
      }),
    );
  });

  it('terms out of range are undefined, never wrapped', () => {
    const edges = [0n, 1n, MAX_MSAT, MAX_MSAT + 1n, 2n ** 63n, 2n ** 64n - 1n, BigInt(LAST_EXPIRY) + 1n];
    const number = fc.oneof(u64, fc.constantFrom(...edges));
    fc.assert(
      fc.property(number, number, (expiry, amount) => {
        const paymentAddr = new Uint8Array(32);
        const view = new DataView(paymentAddr.buffer);
        view.setBigUint64(16, expiry);
        view.setBigUint64(24, amount);
        expect(decodePaymentAddr(paymentAddr)).toEqual({
          expiresAt: expiry <= BigInt(LAST_EXPIRY) ? Number(expiry) : undefined,
          amountMsat: amount > 0n && amount <= MAX_MSAT ? amount : undefined,
        });
      }),
    );
  });

  it('are not written out of range', () => {
    const valid = { random16: new Uint8Array(16), expiresAt: 1, amountMsat: 1n };
    for (const wrong of [
      { amountMsat: 0n },
      { amountMsat: -1n },
      { amountMsat: MAX_MSAT + 1n },
      { expiresAt: -1 },
      { expiresAt: 1.5 },
      { expiresAt: LAST_EXPIRY + 1 },
      { random16: new Uint8Array(15) },
    ]) {
      expect(() => encodePaymentAddr({ ...valid, ...wrong })).toThrow(RangeError);
    }
  });
});

describe('golden identifiers', () => {
  it.each(golden.virtualChannel)('virtual channel $id', ({ node, dec }) => {
    expect(virtualChannelId(node as NodeId)).toBe(BigInt(dec));
  });

  it.each(golden.setId)('set id $id, in any order of the parts', ({ keys, setId }) => {
    const parts = keys.map((key) => ({
      nodeId: key.node as NodeId,
      chanId: BigInt(key.chan_id),
      htlcId: BigInt(key.htlc_id),
    }));
    expect(setIdOf(parts)).toBe(setId);
    expect(setIdOf(parts.reverse())).toBe(setId);
  });
});

it('networks by name and by invoice prefix', () => {
  expect(networkFromName('testnet3')).toBe(networkParams('testnet'));
  expect(networkFromName('signet')?.invoicePrefix).toBe('lntbs');
  for (const unknown of ['', 'Mainnet', 'bitcoin', 'toString', '__proto__']) {
    expect(networkFromName(unknown)).toBeUndefined();
  }
  expect(networkFromInvoicePrefix('lntb')?.name).toBe('testnet');
  expect(networkFromInvoicePrefix('ln')).toBeUndefined();
});
