import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** Object identifiers as the bytes of their DER value. */
const OID = {
  commonName: '550403',
  organization: '55040a',
  ecdsaWithSha256: '2a8648ce3d040302',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
};

const TAG = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17 };
const SEQUENCE = 0x30;
const SET = 0x31;

/** A certificate and its key, PEM. */
export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

/**
 * A self-signed certificate of the kind that lnd makes: ECDSA P-256, its own authority, for localhost, 127.0.0.1, ::1
 * and the name. Valid until the end of 2049, so that nothing ever has to renew it.
 */
export function selfSignedCertificate(name: string): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = der(SEQUENCE, oid(OID.ecdsaWithSha256));
  const subject = distinguishedName(name);
  const toBeSigned = der(
    SEQUENCE,
    der(0xa0, der(TAG.integer, Buffer.of(2))),
    der(TAG.integer, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    subject,
    der(SEQUENCE, utcTime('200101000000Z'), utcTime('491231235959Z')),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, basicConstraints(), subjectAltName(['localhost', name]))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = der(SEQUENCE, toBeSigned, algorithm, der(TAG.bits, Buffer.of(0), signature));
  return {
    cert: pem(certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function basicConstraints(): Buffer {
  const isAuthority = der(SEQUENCE, der(TAG.boolean, Buffer.of(0xff)));
  return der(
    SEQUENCE,
    oid(OID.basicConstraints),
    der(TAG.boolean, Buffer.of(0xff)),
    der(TAG.octets, isAuthority),
  );
}

function subjectAltName(dnsNames: readonly string[]): Buffer {
  const loopback6 = Buffer.alloc(16);
  loopback6[15] = 1;
  const names = der(
    SEQUENCE,
    ...dnsNames.map((dnsName) => der(0x82, Buffer.from(dnsName, 'ascii'))),
    der(0x87, Buffer.of(127, 0, 0, 1)),
    der(0x87, loopback6),
  );
  return der(SEQUENCE, oid(OID.subjectAltName), der(TAG.octets, names));
}

function distinguishedName(commonName: string): Buffer {
  const attribute = (type: string, value: string) =>
    der(SET, der(SEQUENCE, oid(type), der(TAG.utf8, Buffer.from(value))));
  return der(
    SEQUENCE,
    attribute(OID.organization, 'lnmux simulated lnd'),
    attribute(OID.commonName, commonName),
  );
}

function oid(hex: string): Buffer {
  return der(TAG.oid, Buffer.from(hex, 'hex'));
}

function utcTime(text: string): Buffer {
  return der(TAG.utcTime, Buffer.from(text, 'ascii'));
}

/** Tag, length and content (ITU-T X.690). */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
