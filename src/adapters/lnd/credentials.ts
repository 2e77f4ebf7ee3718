import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LndError } from '../../actors/ports/lndClient.ts';

/** Where a node's credentials lie. */
export interface LndCredentialPaths {
  /** lnd's tls.cert: PEM, the only root that is trusted. */
  readonly tlsCertPath: string;
  /** A macaroon in lnd's binary form. */
  readonly macaroonPath: string;
}

export interface LndCredentials {
  readonly tlsCert: Buffer;
  /** For the `macaroon` header. Never logged. */
  readonly macaroonHex: string;
}

/** No macaroon or certificate is larger; a wrong path may lead to something that is. */
const MAX_FILE_BYTES = 1_000_000;

/** Reads both files. Rejects with an LndError of kind `credentials` that names the file and what is wrong. */
export async function readLndCredentials(paths: LndCredentialPaths): Promise<LndCredentials> {
  const [tlsCert, macaroon] = await Promise.all([
    readCredential('TLS certificate', paths.tlsCertPath),
    readCredential('macaroon', paths.macaroonPath),
  ]);
  try {
    new X509Certificate(tlsCert);
  } catch {
    throw unusable('TLS certificate', paths.tlsCertPath, 'not a PEM certificate');
  }
  return { tlsCert, macaroonHex: macaroon.toString('hex') };
}

async function readCredential(what: string, path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw unusable(what, path, (error as NodeJS.ErrnoException).code ?? 'not readable');
  }
  if (bytes.length === 0) throw unusable(what, path, 'the file is empty');
  if (bytes.length > MAX_FILE_BYTES) throw unusable(what, path, 'the file is too large');
  return bytes;
}

function unusable(what: string, path: string, why: string): LndError {
  return new LndError('credentials', `cannot use ${what} ${path}: ${why}`);
}
