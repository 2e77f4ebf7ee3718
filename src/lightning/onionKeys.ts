import { HmacKey } from './hmac.ts';

const labels = {
  rho: new HmacKey(Buffer.from('rho')),
  mu: new HmacKey(Buffer.from('mu')),
  um: new HmacKey(Buffer.from('um')),
  ammag: new HmacKey(Buffer.from('ammag')),
  pad: new HmacKey(Buffer.from('pad')),
};

/** A key of BOLT 4: HMAC-SHA256 of the secret under the label. */
export function onionKey(label: keyof typeof labels, secret: Uint8Array): Uint8Array {
  return labels[label].mac(secret);
}
