const BASES: readonly (readonly [RegExp, number])[] = [
  [/^0[xX]([0-9a-fA-F]{1,13})$/, 16],
  [/^0[oO]?([0-7]{1,16})$/, 8],
  [/^0[bB]([01]{1,52})$/, 2],
];

/**
 * A whole number in any of the notations that the Go program's YAML takes: `1000`, `1_000`, `0x3e8`, `0o1750` and
 * `01750`, `0b1111101000`, `1e3`. NaN when the text is none, has a fraction, or is too large to be exact.
 */
export function parseInteger(text: string): number {
  const plain = text.replaceAll('_', '');
  const [, sign, digits] = /^([+-]?)(.+)$/.exec(plain) ?? [];
  if (digits === undefined) return Number.NaN;
  const size = sizeOf(digits);
  if (!Number.isSafeInteger(size)) return Number.NaN;
  return sign === '-' ? -size : size;
}

function sizeOf(digits: string): number {
  for (const [pattern, base] of BASES) {
    const match = pattern.exec(digits);
    if (match) return Number.parseInt(match[1] as string, base);
  }
  return /^\d{1,19}(\.\d{0,19})?([eE][+-]?\d{1,2})?$/.test(digits) ? Number(digits) : Number.NaN;
}
