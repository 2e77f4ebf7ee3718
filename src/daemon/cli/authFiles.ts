import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  ACCESS_FILE_HEADER,
  type AccessEntry,
  type AccessFile,
  formatAccessEntry,
  parseAccessFile,
} from '../../adapters/grpc/access/accessFile.ts';
import type { KeyedCertificate } from '../../x509/certificate.ts';

/** What can't be done, and why: one line. */
export class AuthError extends Error {}

const PRIVATE_FOLDER = 0o700;
const PRIVATE = 0o600;
const PUBLIC = 0o644;

/** Where a certificate and its key lie. */
export interface PairPaths {
  readonly cert: string;
  readonly key: string;
}

export function pairPaths(dir: string, name: string): PairPaths {
  return { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
}

export function accessPath(dir: string): string {
  return join(dir, 'access');
}

/** A temporary neighbour takes its place at once, so that nobody ever reads half a file. */
function replaceFile(path: string, text: string, mode: number): void {
  const next = `${path}.new`;
  mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
  let file: number;
  try {
    file = openSync(next, 'wx', mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cause =
      code === 'EEXIST'
        ? 'another lnmuxd auth is at work, or one has died: remove it then'
        : `can't be written (${code})`;
    throw new AuthError(`${next}: ${cause}`);
  }
  try {
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    chmodSync(next, mode);
    keepOwner(path, next);
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw new AuthError(`${path}: can't be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Root may change a list that lnmuxd reads as somebody else, who has to go on being able to. */
function keepOwner(path: string, next: string): void {
  const before = statSync(path, { throwIfNoEntry: false });
  if (before === undefined || process.getuid?.() !== 0) return;
  chownSync(next, before.uid, before.gid);
}

/** Writes both; refuses to replace them unless told to. */
export function savePair(paths: PairPaths, { cert, key }: KeyedCertificate, replace: boolean): void {
  const taken = [paths.cert, paths.key].find((path) => existsSync(path));
  if (taken !== undefined && !replace) {
    throw new AuthError(`${taken} is there already: --force replaces it, if nobody needs it any more`);
  }
  replaceFile(paths.key, key, PRIVATE);
  replaceFile(paths.cert, cert, PUBLIC);
}

export function loadPair(paths: PairPaths): KeyedCertificate {
  return { cert: read(paths.cert), key: read(paths.key) };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AuthError(`${path}: ${code === 'ENOENT' ? 'no such file' : `can't be read (${code})`}`);
  }
}

/** The certificate in a file, without its key; undefined where there is none. */
export function certificateAt(path: string): X509Certificate | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return new X509Certificate(read(path));
  } catch {
    throw new AuthError(`${path}: not a certificate`);
  }
}

export function fingerprintOf(certificate: X509Certificate): Buffer {
  return Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex');
}

/** The list of callers; an empty one where there is no file. */
export function loadAccess(dir: string): AccessFile {
  const path = accessPath(dir);
  const access = existsSync(path) ? parseAccessFile(read(path)) : { entries: [], problems: [] };
  const [problem] = access.problems;
  if (problem !== undefined) throw new AuthError(`${path}:${problem.line}: ${problem.message}`);
  return access;
}

/** Makes an empty list, where there is none yet: a certificate can be revoked in it later. */
export function ensureAccess(dir: string): void {
  const path = accessPath(dir);
  if (!existsSync(path)) replaceFile(path, ACCESS_FILE_HEADER, PRIVATE);
}

/** Adds a line and leaves all others, with their comments, as they are. */
export function addAccess(dir: string, entry: AccessEntry): void {
  const path = accessPath(dir);
  const before = existsSync(path) ? read(path) : ACCESS_FILE_HEADER;
  const end = before === '' || before.endsWith('\n') ? '' : '\n';
  replaceFile(path, before + end + formatAccessEntry(entry), PRIVATE);
}

/** Takes out the lines with this name. */
export function removeAccess(dir: string, name: string): void {
  const path = accessPath(dir);
  const kept = read(path)
    .split('\n')
    .filter((line) => line.trim().split(/\s+/)[0] !== name);
  replaceFile(path, kept.join('\n'), PRIVATE);
}
