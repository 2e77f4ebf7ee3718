import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { addressBytes } from './address.ts';
import { der, elements, oid, sequence, TAG, TRUE, time, utf8 } from './der.ts';

/** Object identifiers as the bytes of their DER value. */
const OID = {
  commonName: '550403',
  organization: '55040a',
  organizationalUnit: '55040b',
  ecdsaWithSha256: '2a8648ce3d040302',
  subjectKeyIdentifier: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  authorityKeyIdentifier: '551d23',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
};

/** Bits of keyUsage, as the octet with the number of unused bits before it. */
const DIGITAL_SIGNATURE = Buffer.of(7, 0x80);
const SIGN_CERTIFICATES = Buffer.of(1, 0x06);
const BOTH = Buffer.of(2, 0x84);

/** A certificate and its key, PEM. */
export interface KeyedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  readonly units?: readonly string[];
}

export interface CertificateRequest {
  readonly subject: Subject;
  /** What it is for. `alone` is an authority that is a server itself, as lnd's certificate is. */
  readonly use: 'authority' | 'server' | 'client' | 'alone';
  /** Names and addresses of the server. */
  readonly hosts?: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
  /** Who signs; without, it signs itself. Made by this module. */
  readonly issuer?: KeyedCertificate;
}

/** The certificate that should sign is not one of ours, or its key is not. */
export class IssuerError extends Error {
  override readonly name = 'IssuerError';
}

/**
 * Makes a key (ECDSA P-256) and a certificate for it (X.509 version 3).
 *
 * @throws IssuerError
 */
export function makeCertificate(request: CertificateRequest): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const subject = distinguishedName(request.subject);
  const issuer = request.issuer === undefined ? { name: subject, key: privateKey } : issuerOf(request.issuer);
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const toBeSigned = sequence(
    der(0xa0, der(TAG.integer, Buffer.of(2))),
    // Positive, and not to be guessed (RFC 5280, 4.1.2.2).
    der(TAG.integer, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    issuer.name,
    sequence(time(request.validFrom), time(request.validTo)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(request, publicKey, issuer.key))),
  );
  const signature = sign('sha256', toBeSigned, issuer.key);
  const certificate = sequence(toBeSigned, algorithm, der(TAG.bits, Buffer.of(0), signature));
  return {
    cert: pem(certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function issuerOf({ cert, key }: KeyedCertificate): { readonly name: Buffer; readonly key: KeyObject } {
  let certificate: X509Certificate;
  let privateKey: KeyObject;
  try {
    certificate = new X509Certificate(cert);
    privateKey = createPrivateKey(key);
  } catch {
    throw new IssuerError('not a certificate and key in PEM');
  }
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new IssuerError('its key is not of the kind ECDSA P-256');
  }
  if (!certificate.ca || !certificate.checkPrivateKey(privateKey)) {
    throw new IssuerError('not an authority with its own key');
  }
  // Version, serial number, algorithm, issuer, validity, and then the subject.
  const [toBeSigned] = elements(certificate.raw);
  return { name: elements(toBeSigned as Buffer)[5] as Buffer, key: privateKey };
}

function extensions(
  { use, hosts = [] }: CertificateRequest,
  publicKey: KeyObject,
  issuerKey: KeyObject,
): Buffer[] {
  const isAuthority = use === 'authority' || use === 'alone';
  const purpose = { authority: [], alone: [], server: [OID.serverAuth], client: [OID.clientAuth] }[use];
  const usage = {
    authority: SIGN_CERTIFICATES,
    alone: BOTH,
    server: DIGITAL_SIGNATURE,
    client: DIGITAL_SIGNATURE,
  };
  const issuerPublicKey = createPublicKey(issuerKey);
  return [
    extension(OID.basicConstraints, isAuthority ? sequence(TRUE) : sequence(), true),
    extension(OID.keyUsage, der(TAG.bits, usage[use]), true),
    ...(purpose.length > 0 ? [extension(OID.extendedKeyUsage, sequence(...purpose.map(oid)))] : []),
    ...(hosts.length > 0 ? [extension(OID.subjectAltName, sequence(...hosts.map(alternativeName)))] : []),
    extension(OID.subjectKeyIdentifier, der(TAG.octets, keyIdentifier(publicKey))),
    extension(OID.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(issuerPublicKey)))),
  ];
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [TRUE] : []), der(TAG.octets, value));
}

function alternativeName(host: string): Buffer {
  if (isIP(host) !== 0) return der(0x87, addressBytes(host));
  return der(0x82, Buffer.from(host, 'ascii'));
}

/** RFC 7093, section 2, method 1. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const bits = elements(spki)[1] as Buffer;
  return createHash('sha256').update(bits.subarray(3)).digest().subarray(0, 20);
}

function distinguishedName({ commonName, organization, units = [] }: Subject): Buffer {
  const attribute = (type: string, value: string) => der(TAG.set, sequence(oid(type), utf8(value)));
  return sequence(
    ...(organization === undefined ? [] : [attribute(OID.organization, organization)]),
    ...units.map((unit) => attribute(OID.organizationalUnit, unit)),
    attribute(OID.commonName, commonName),
  );
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
