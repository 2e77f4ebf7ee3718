const SECRET_NAME = /preimage|paymentAddr|secret|macaroon|private|priv(?:ate)?_?key|mnemonic|seed/i;

/**
 * The path of the first thing in `value` that is or could hold a secret: a field with such a name, or raw bytes,
 * which no chart has a use for. Undefined when there is none.
 */
export function findSecret(value: unknown, path = '', seen = new Set<unknown>()): string | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return `${path} (bytes)`;
  // An actor reference is not data; what is behind it is looked at by itself.
  if ('_processingStatus' in value) return undefined;
  for (const [name, child] of Object.entries(value)) {
    if (SECRET_NAME.test(name)) return `${path}.${name}`;
    const found = findSecret(child, `${path}.${name}`, seen);
    if (found) return found;
  }
  return undefined;
}
