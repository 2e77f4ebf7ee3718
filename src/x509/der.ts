/** Tags of ASN.1 in DER (ITU-T X.690), as far as certificates need them. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag, length and content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

export function sequence(...content: readonly Uint8Array[]): Buffer {
  return der(TAG.sequence, ...content);
}

/** An object identifier from the bytes of its value, in hex. */
export function oid(hex: string): Buffer {
  return der(TAG.oid, Buffer.from(hex, 'hex'));
}

export function utf8(text: string): Buffer {
  return der(TAG.utf8, Buffer.from(text));
}

export const TRUE = der(TAG.boolean, Buffer.of(0xff));

/** A time in whole seconds: two digits of the year until 2049, four from 2050 on (RFC 5280, 4.1.2.5). */
export function time(at: Date): Buffer {
  const digits = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '');
  return at.getUTCFullYear() < 2050
    ? der(TAG.utcTime, Buffer.from(digits.slice(2), 'ascii'))
    : der(TAG.generalizedTime, Buffer.from(digits, 'ascii'));
}

/** The elements inside of one, each with its tag and length. Only for what has been checked by somebody else. */
export function elements(constructed: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let at = header(constructed, 0).length;
  while (at < constructed.length) {
    const { length, size } = header(constructed, at);
    found.push(constructed.subarray(at, at + length + size));
    at += length + size;
  }
  return found;
}

function header(bytes: Buffer, at: number): { readonly length: number; readonly size: number } {
  const first = bytes.readUInt8(at + 1);
  if (first < 0x80) return { length: 2, size: first };
  const more = first & 0x7f;
  return { length: 2 + more, size: bytes.readUIntBE(at + 2, more) };
}
