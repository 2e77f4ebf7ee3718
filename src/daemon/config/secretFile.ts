import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { visible } from './setting.ts';

export type SecretFile =
  /** `mode`: the permission bits; undefined where files have none. */
  | { readonly ok: true; readonly text: string; readonly mode: number | undefined }
  /** What is wrong, then what to do. */
  | { readonly ok: false; readonly problem: string };

/** No key and no DSN is longer; a wrong path must not read a film into memory. */
const MAX_BYTES = 16_384;

const ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path',
  ENOTDIR: 'no such file; check the path',
  EACCES: 'not permitted to read it; check its owner and mode',
  EISDIR: 'a folder, not a file; give the path of the file in it',
};

/** Reads a secret out of a file of its own. The newline at its end, which editors and `echo` add, is not part of it. */
export function readSecretFile(path: string): SecretFile {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(MAX_BYTES + 1);
      let size = 0;
      for (let read = -1; read !== 0 && size < buffer.length; size += read) {
        read = readSync(descriptor, buffer, size, buffer.length - size, null);
      }
      if (size > MAX_BYTES) return { ok: false, problem: `${shownPath(path)}: longer than any secret` };
      const text = buffer.subarray(0, size).toString('utf8');
      const mode = process.platform === 'win32' ? undefined : fstatSync(descriptor).mode & 0o777;
      return { ok: true, text: text.replace(/[\r\n]+$/, ''), mode };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return { ok: false, problem: `${shownPath(path)}: ${ERRORS[code] ?? `can't be read (${code})`}` };
  }
}

/** The secret itself may stand where its path should. */
export function shownPath(path: string): string {
  return visible(path);
}

/** Whether people beside the owner and its group can read it. */
export function isWorldReadable(mode: number | undefined): boolean {
  return mode !== undefined && (mode & 0o004) !== 0;
}

/** `0644`, as chmod and ls know it. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
