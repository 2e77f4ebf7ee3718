const SECRET_NAME = /preimage|paymentAddr|secret|macaroon|private|priv(?:ate)?_?key|mnemonic|seed/i;

/** What holds no secret will not do so later: nothing in a chart is ever changed in place. */
const clean = new WeakSet<object>();

/**
 * The path of the first thing in `value` that is or could hold a secret: a field with such a name, or raw bytes,
 * which no chart has a use for. Undefined when there is none.
 */
export function findSecret(value: unknown, path = ''): string | undefined {
  if (typeof value !== 'object' || value === null || clean.has(value)) return undefined;
  if (ArrayBuffer.isView(value)) return `${path} (bytes)`;
  clean.add(value);
  // An actor reference is not data; what is behind it is looked at by itself.
  if ('_processingStatus' in value) return undefined;
  for (const [name, child] of Object.entries(value)) {
    const found = SECRET_NAME.test(name) ? `${path}.${name}` : findSecret(child, `${path}.${name}`);
    if (found === undefined) continue;
    clean.delete(value);
    return found;
  }
  return undefined;
}
