import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publicKeyOf } from '../../src/lightning/crypto.ts';
import { encodeFinalPayload } from '../../src/lightning/finalPayload.ts';
import { buildOnion, peelForwardingOnion, peelOnion } from '../../src/lightning/onion.ts';
import { anyBytes, bytes32, privateKey, u32, u64 } from './arbitraries.ts';
import { bytes, golden, hex, identityKey, vectors } from './vectors.ts';

const bolt4 = vectors('bolt04-onion-test.json') as {
  generate: { session_key: string; associated_data: string; hops: { pubkey: string; payload: string }[] };
  onion: string;
  decode: string[];
};
const paymentHash = bytes(golden.onion.assocData);

/** The official payloads come with their length prefix. */
function withoutLength(payload: string): Uint8Array {
  return bytes(payload.startsWith('fd') ? payload.slice(6) : payload.slice(2));
}

/** An onion for one hop, from the raw bytes at its start. */
function onionOf(payload: Uint8Array): Uint8Array {
  const hops = [{ publicKey: publicKeyOf(identityKey('K1')), payload }];
  return buildOnion({ sessionKey: bytes(golden.onion.sessionKey), paymentHash, hops }).onionBlob;
}

describe('BOLT 4 onion test', () => {
  const associated = bytes(bolt4.generate.associated_data);
  const built = buildOnion({
    sessionKey: bytes(bolt4.generate.session_key),
    paymentHash: associated,
    hops: bolt4.generate.hops.map((hop) => ({
      publicKey: bytes(hop.pubkey),
      payload: withoutLength(hop.payload),
    })),
  });

  it('builds the packet', () => {
    expect(hex(built.onionBlob)).toBe(bolt4.onion);
  });

  it('peels it hop by hop', () => {
    let onionBlob: Uint8Array | undefined = bytes(bolt4.onion);
    for (const [i, key] of bolt4.decode.entries()) {
      const peeled = peelForwardingOnion({
        privateKey: bytes(key),
        onionBlob: onionBlob!,
        paymentHash: associated,
      });
      expect(hex(peeled.payload)).toBe(hex(withoutLength(bolt4.generate.hops[i]!.payload)));
      expect(hex(peeled.sharedSecret)).toBe(hex(built.sharedSecrets[i]!));
      const final = peelOnion({ identityKey: bytes(key), onionBlob: onionBlob!, paymentHash: associated });
      expect(hex(final.payload)).toBe(hex(peeled.payload));
      expect(final.nextHmacIsZero).toBe(i === 4);
      onionBlob = peeled.nextOnion;
    }
    expect(onionBlob).toBeUndefined();
  });
});

describe('final-hop onions', () => {
  it('the golden onion is built and peeled', () => {
    expect(hex(onionOf(bytes(golden.onion.payload)))).toBe(golden.onion.onion);
    const peeled = peelOnion({
      identityKey: identityKey(golden.onion.key),
      onionBlob: bytes(golden.onion.onion),
      paymentHash,
    });
    expect(hex(peeled.payload)).toBe(golden.onion.payload);
    expect(hex(peeled.sharedSecret)).toBe(golden.onion.sharedSecret);
    expect(peeled.nextHmacIsZero).toBe(true);
  });

  it('payloads of any length that fits come out as they went in', () => {
    fc.assert(
      fc.property(anyBytes(1, 1265), (payload) => {
        const peeled = peelOnion({
          identityKey: identityKey('K1'),
          onionBlob: onionOf(payload),
          paymentHash,
        });
        expect(hex(peeled.payload)).toBe(hex(payload));
        expect(peeled.nextHmacIsZero).toBe(true);
      }),
      {
        examples: [150, 157, 158, 159, 160, 188, 189, 190, 192, 252, 253, 1265].map((n) => [
          new Uint8Array(n),
        ]),
      },
    );
    expect(() => onionOf(new Uint8Array(1266))).toThrow(RangeError);
  });

  it('every changed bit is noticed', () => {
    const original = bytes(golden.onion.onion);
    fc.assert(
      fc.property(fc.nat({ max: 1365 }), fc.nat({ max: 7 }), (index, bit) => {
        const onionBlob = Uint8Array.from(original);
        onionBlob[index]! ^= 1 << bit;
        const code = index === 0 ? 'version' : index < 34 ? '(key|hmac)' : 'hmac';
        expect(() => peelOnion({ identityKey: identityKey('K1'), onionBlob, paymentHash })).toThrow(
          expect.objectContaining({ code: expect.stringMatching(`^invalid_onion_${code}$`) }),
        );
      }),
    );
  });

  it('is bound to the payment hash and the key', () => {
    const onionBlob = bytes(golden.onion.onion);
    const otherHash = Uint8Array.from(paymentHash).fill(1);
    const input = { identityKey: identityKey('K1'), onionBlob, paymentHash };
    const badHmac = expect.objectContaining({ code: 'invalid_onion_hmac' });
    expect(() => peelOnion({ ...input, paymentHash: otherHash })).toThrow(badHmac);
    expect(() => peelOnion({ ...input, identityKey: identityKey('K2') })).toThrow(badHmac);
  });

  it('a wrong length counts as a bad key, after the version', () => {
    const input = { identityKey: identityKey('K1'), paymentHash };
    for (const length of [0, 1, 33, 1365, 1367]) {
      const onionBlob = new Uint8Array(length);
      expect(() => peelOnion({ ...input, onionBlob })).toThrow(
        expect.objectContaining({ code: 'invalid_onion_key' }),
      );
    }
    expect(() => peelOnion({ ...input, onionBlob: Uint8Array.of(1) })).toThrow(
      expect.objectContaining({ code: 'invalid_onion_version' }),
    );
  });
});

it('routes of any length: every hop gets its payload, the last one no next onion', () => {
  const hop = fc.record({ key: privateKey, amountMsat: u64, cltvExpiry: u32 });
  fc.assert(
    fc.property(
      privateKey,
      bytes32,
      fc.array(hop, { minLength: 1, maxLength: 6 }),
      (sessionKey, hash, hops) => {
        const route = hops.map((each) => ({
          publicKey: publicKeyOf(each.key),
          payload: encodeFinalPayload(each),
        }));
        const built = buildOnion({ sessionKey, paymentHash: hash, hops: route });
        let onionBlob: Uint8Array | undefined = built.onionBlob;
        for (const [i, { key }] of hops.entries()) {
          const peeled = peelForwardingOnion({ privateKey: key, onionBlob: onionBlob!, paymentHash: hash });
          expect(hex(peeled.payload)).toBe(hex(route[i]!.payload));
          expect(hex(peeled.sharedSecret)).toBe(hex(built.sharedSecrets[i]!));
          onionBlob = peeled.nextOnion;
        }
        expect(onionBlob).toBeUndefined();
      },
    ),
    { numRuns: 30 },
  );
});
