import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmacSha256 } from '../../src/lightning/crypto.ts';
import * as messages from '../../src/lightning/failureMessage.ts';
import { decryptFailure, encodeFailure, wrapFailure } from '../../src/lightning/failureOnion.ts';
import { onionKey } from '../../src/lightning/onionKeys.ts';
import { anyBytes, bytes32, u32, u64 } from './arbitraries.ts';
import { bytes, golden, hex, vectors } from './vectors.ts';

const bolt4 = vectors('bolt04-onion-error-test.json') as {
  generate: { failure_message: string; hops: { hop_shared_secret: string }[] };
  errorpacket: string;
};

describe('failure onions', () => {
  const secrets = bolt4.generate.hops.map((hop) => bytes(hop.hop_shared_secret));

  it('the BOLT 4 error test, from the failing hop back to the sender', () => {
    let reason = encodeFailure(secrets[4]!, bytes(bolt4.generate.failure_message));
    for (const secret of secrets.slice(0, 4).reverse()) reason = wrapFailure(secret, reason);
    expect(hex(reason)).toBe(bolt4.errorpacket);
    expect(decryptFailure(secrets, reason)).toEqual({ hop: 4, message: bytes('2002') });
  });

  it.each(golden.failures)('golden failure $id', ({ sharedSecret, message, reason }) => {
    expect(hex(encodeFailure(bytes(sharedSecret), bytes(message)))).toBe(reason);
  });

  it('the sender reads any message of any hop', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(bytes32, { minLength: 1, maxLength: 8, selector: hex }),
        fc.nat(),
        anyBytes(0, 256),
        (route, pick, message) => {
          const hop = pick % route.length;
          let reason = encodeFailure(route[hop]!, message);
          expect(reason.length).toBe(292);
          for (let i = hop - 1; i >= 0; i--) reason = wrapFailure(route[i]!, reason);
          expect(decryptFailure(route, reason)).toEqual({ hop, message });
        },
      ),
    );
  });

  it('a changed bit, or bytes from nowhere, are no failure of any hop', () => {
    const reason = bytes(bolt4.errorpacket);
    fc.assert(
      fc.property(fc.nat({ max: 291 }), fc.nat({ max: 7 }), anyBytes(0, 400), (index, bit, garbage) => {
        const changed = Uint8Array.from(reason);
        changed[index]! ^= 1 << bit;
        expect(decryptFailure(secrets, changed)).toBeUndefined();
        expect(decryptFailure(secrets, garbage)).toBeUndefined();
      }),
    );
  });

  it('a message length beyond the packet is no message', () => {
    const secret = secrets[0]!;
    const packet = new Uint8Array(292);
    const body = packet.subarray(32);
    for (const [length, hop] of [
      [0xffff, undefined],
      [257, undefined],
      [256, 0],
    ] as const) {
      new DataView(packet.buffer).setUint16(32, length);
      packet.set(hmacSha256(onionKey('um', secret), body));
      const before = hex(packet);
      const reason = wrapFailure(secret, packet);
      expect(hex(packet)).toBe(before);
      expect(decryptFailure(secrets, reason)?.hop).toBe(hop);
      expect(hex(wrapFailure(secret, reason))).toBe(hex(packet));
    }
  });

  it('refuses messages that do not fit', () => {
    expect(() => encodeFailure(secrets[0]!, new Uint8Array(257))).toThrow(RangeError);
  });
});

describe('failure messages', () => {
  it('the golden bytes', () => {
    expect(hex(messages.incorrectOrUnknownPaymentDetails(6000n, 0))).toBe('400f000000000000177000000000');
    expect(hex(messages.mppTimeout())).toBe('0017');
    expect(hex(messages.finalIncorrectHtlcAmount(6000n))).toBe('00130000000000001770');
    expect(hex(messages.finalIncorrectCltvExpiry(1040))).toBe('001200000410');
    expect(hex(messages.invalidOnionPayload(10n, 3))).toBe('40160a0003');
    expect(hex(messages.invalidOnionPayload(65536n, 70_000))).toBe('4016fe00010000ffff');
    expect(hex(messages.temporaryChannelFailure())).toBe('10070000');
  });

  it('are read back', () => {
    fc.assert(
      fc.property(u64, u32, fc.nat({ max: 0xffff }), bytes32, (amountMsat, height, offset, onionHash) => {
        const { parseFailureMessage } = messages;
        expect(parseFailureMessage(messages.incorrectOrUnknownPaymentDetails(amountMsat, height))).toEqual({
          code: 0x400f,
          name: 'incorrect_or_unknown_payment_details',
          amountMsat,
          height,
        });
        expect(parseFailureMessage(messages.finalIncorrectHtlcAmount(amountMsat))).toEqual({
          code: 19,
          name: 'final_incorrect_htlc_amount',
          amountMsat,
        });
        expect(parseFailureMessage(messages.finalIncorrectCltvExpiry(height))).toEqual({
          code: 18,
          name: 'final_incorrect_cltv_expiry',
          cltvExpiry: height,
        });
        expect(parseFailureMessage(messages.invalidOnionPayload(amountMsat, offset))).toEqual({
          code: 0x4016,
          name: 'invalid_onion_payload',
          tlvType: amountMsat,
          offset,
        });
        expect(parseFailureMessage(messages.badOnion('invalid_onion_hmac', onionHash))).toEqual({
          code: 0xc005,
          name: 'invalid_onion_hmac',
          onionHash,
        });
      }),
    );
    expect(messages.parseFailureMessage(messages.mppTimeout())).toEqual({ code: 23, name: 'mpp_timeout' });
    expect(messages.parseFailureMessage(messages.temporaryChannelFailure()).name).toBe(
      'temporary_channel_failure',
    );
    expect(messages.parseFailureMessage(messages.temporaryNodeFailure()).name).toBe('temporary_node_failure');
    expect(messages.parseFailureMessage(messages.unknownNextPeer()).name).toBe('unknown_next_peer');
    expect(messages.parseFailureMessage(bytes('7fff01'))).toEqual({ code: 0x7fff, name: 'unknown' });
  });

  it('refuse fields that are cut off', () => {
    for (const cut of ['', '40', '400f00', '0013000000', '00120000', '4016', '40160a', 'c00500']) {
      expect(() => messages.parseFailureMessage(bytes(cut))).toThrow(
        expect.objectContaining({ code: 'invalid_failure_message' }),
      );
    }
  });
});
