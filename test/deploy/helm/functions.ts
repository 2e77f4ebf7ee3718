import { createHash } from 'node:crypto';
import { stringify } from 'yaml';

export type Fn = (...args: never[]) => unknown;

/** Empty as Go's templates see it. */
export const isTrue = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
};

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

const indent = (count: number, value: string) => value.replace(/^/gm, ' '.repeat(count));

/** Those of Go and sprig that the chart uses. The value of a pipeline comes last, as there. */
export const FUNCTIONS: Readonly<Record<string, Fn>> = {
  contains: (part: string, whole: string) => whole.includes(part),
  default: (fallback: unknown, value: unknown) => (isTrue(value) ? value : fallback),
  hasKey: (object: object, key: string) => Object.hasOwn(object, key),
  len: (value: string | readonly unknown[]) => value.length,
  nindent: (count: number, value: string) => `\n${indent(count, value)}`,
  or: (...values: unknown[]) => values.find(isTrue) ?? values.at(-1),
  printf: (format: string, ...values: unknown[]) => {
    let next = 0;
    return format.replace(/%[sv]/g, () => text(values[next++]));
  },
  quote: (value: unknown) => JSON.stringify(text(value)),
  sha256sum: (value: string) => createHash('sha256').update(value).digest('hex'),
  toYaml: (value: unknown) => stringify(value, { sortMapEntries: true, lineWidth: 0 }).trimEnd(),
  trimSuffix: (suffix: string, value: string) =>
    value.endsWith(suffix) ? value.slice(0, value.length - suffix.length) : value,
  trunc: (length: number, value: string) => value.slice(0, length),
};

export { text };
