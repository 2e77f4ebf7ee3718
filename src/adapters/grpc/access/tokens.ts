import { createHash, randomBytes } from 'node:crypto';

/** Tells what it is, to people and to programs that look for secrets in places where none should be. */
const PREFIX = 'lnmux_';

/** Nobody guesses 256 bits, so a plain hash is enough to store: there is no dictionary to try. */
const TOKEN_BYTES = 32;

/** Longer ones are not hashed: they are none of ours. */
const MAX_TOKEN_LENGTH = 512;

export function createToken(): string {
  return PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
}

/** What is stored in place of a token. */
export function tokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The token of an `authorization: Bearer …` header; undefined where there is none in this form. */
export function bearerToken(header: string): string | undefined {
  const match = header.length > MAX_TOKEN_LENGTH ? null : /^bearer +([\x21-\x7e]+)$/i.exec(header);
  return match?.[1];
}
