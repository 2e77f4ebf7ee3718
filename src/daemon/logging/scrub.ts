/** Names under which a secret could appear. Nobody logs these on purpose; this is the second belt. */
const SECRET_NAMES = new Set([
  'preimage',
  'macaroon',
  'identitykey',
  'identity_key',
  'paymentaddr',
  'payment_addr',
  'paymentsecret',
  'payment_secret',
  'privatekey',
  'sharedsecret',
  'dsn',
  'password',
]);

const HIDDEN = '<secret>';

/** Long runs of hex or base64 in free text may be a key or a preimage. */
function scrubText(text: string): string {
  return text.replace(/[0-9a-zA-Z+=_-]{32,}/g, '<hidden>').replace(/:\/\/[^@\s/]+@/g, `://${HIDDEN}@`);
}

function scrubError(error: Error): Record<string, unknown> {
  const { code } = error as NodeJS.ErrnoException;
  return {
    type: error.name,
    message: scrubText(error.message),
    ...(code === undefined ? {} : { code }),
    stack: scrubText(error.stack ?? ''),
  };
}

/** Deep enough for what we log; what lies below is left out rather than let through. */
const MAX_DEPTH = 4;

function scrubValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  // Bytes are never logged as such: hashes and node keys are hex strings everywhere.
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (value instanceof Error) return scrubError(value);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value;
  if (depth >= MAX_DEPTH) return '<more>';
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, depth + 1));
  return scrubFields(value as Record<string, unknown>, depth + 1);
}

/** The same fields without secrets, bytes and bigints, ready for JSON. */
export function scrubFields(fields: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const name in fields) {
    clean[name] = SECRET_NAMES.has(name.toLowerCase()) ? HIDDEN : scrubValue(fields[name], depth);
  }
  return clean;
}
