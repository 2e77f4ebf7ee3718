import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { type AccessFile, parseAccessFile } from './accessFile.ts';

/** Where the API's certificates and its list of callers lie. */
export interface AccessPaths {
  /** PEM: the server's certificate, then those between it and its authority. */
  readonly tlsCertPath: string | undefined;
  readonly tlsKeyPath: string | undefined;
  /** PEM: the authorities whose client certificates are taken. */
  readonly clientCaPath: string | undefined;
  readonly accessPath: string | undefined;
}

/** A file can't be used. The message is one line for the operator, without anything of what the file holds. */
export class AccessFileError extends Error {
  override readonly name = 'AccessFileError';
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  /** Unix milliseconds: when clients begin to refuse the server's certificate. */
  readonly validTo: number;
}

/** No certificate chain or list of callers is larger; a wrong path may lead to something that is. */
const MAX_FILE_BYTES = 1_000_000;

const READABLE_BY_ALL = 0o004;
const WRITABLE_BY_OTHERS = 0o022;

function unusable(key: string, path: string, why: string): AccessFileError {
  return new AccessFileError(`api.${key}: can't use ${path}: ${why}`);
}

function read(key: string, path: string, check: (stats: Stats) => string | undefined): Buffer {
  let stats: Stats;
  let bytes: Buffer;
  try {
    stats = statSync(path);
    if (stats.size > MAX_FILE_BYTES) throw unusable(key, path, 'it is larger than any such file');
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof AccessFileError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const known: Readonly<Record<string, string>> = {
      ENOENT: 'no such file; lnmuxd help auth tells how to make one',
      EACCES: 'not permitted to read it; check its owner and mode',
    };
    throw unusable(key, path, known[code ?? ''] ?? `not readable (${code})`);
  }
  const problem = check(stats);
  if (problem !== undefined) throw unusable(key, path, problem);
  return bytes;
}

function certificateIn(key: string, path: string): { bytes: Buffer; first: X509Certificate } {
  const bytes = read(key, path, () => undefined);
  try {
    return { bytes, first: new X509Certificate(bytes) };
  } catch {
    throw unusable(key, path, 'not a certificate in PEM');
  }
}

function privateKeyIn(path: string, certificate: X509Certificate): Buffer {
  const bytes = read('tlsKeyPath', path, ({ mode }) =>
    (mode & READABLE_BY_ALL) === 0 ? undefined : 'everybody on this machine can read it; chmod 600 it',
  );
  let isItsKey: boolean;
  try {
    isItsKey = certificate.checkPrivateKey(createPrivateKey(bytes));
  } catch {
    throw unusable('tlsKeyPath', path, 'not a private key in PEM without a password');
  }
  if (!isItsKey)
    throw unusable('tlsKeyPath', path, 'it does not belong to the certificate of api.tlsCertPath');
  return bytes;
}

/**
 * Reads the certificates, checked as far as it goes without a client. Undefined where none are configured.
 *
 * @throws AccessFileError
 */
export function readTls({ tlsCertPath, tlsKeyPath, clientCaPath }: AccessPaths): TlsMaterial | undefined {
  if (tlsCertPath === undefined || tlsKeyPath === undefined) return undefined;
  const { bytes: cert, first } = certificateIn('tlsCertPath', tlsCertPath);
  const key = privateKeyIn(tlsKeyPath, first);
  const ca = clientCaPath === undefined ? undefined : certificateIn('clientCaPath', clientCaPath).bytes;
  return { cert, key, ca, validTo: Date.parse(first.validTo) };
}

/**
 * Reads the list of callers. Undefined where none is configured.
 *
 * @throws AccessFileError
 */
export function readAccess({ accessPath }: AccessPaths): AccessFile | undefined {
  if (accessPath === undefined) return undefined;
  const bytes = read('accessPath', accessPath, ({ mode }) =>
    (mode & WRITABLE_BY_OTHERS) === 0
      ? undefined
      : 'others can write it, and so give themselves a role; chmod 600 it',
  );
  return parseAccessFile(bytes.toString('utf8'));
}

/** Something that changes whenever one of the files may have. */
export function fingerprint(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? 'none' : [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join();
    })
    .join(';');
}
