import pg from 'pg';

const INT8 = 20;

/** Parsers of node-postgres, but bigint columns come as bigint instead of text. */
export const typesOf = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
    if (oid === INT8 && format !== 'binary') return BigInt;
    return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
  },
} as unknown as pg.CustomTypesConfig;

/** Parameter of type bytea[] from hex strings without a scan for characters to escape: hex has none. */
export function byteaArray(hex: readonly string[]): string {
  return hex.length === 0 ? '{}' : `{"\\\\x${hex.join('","\\\\x')}"}`;
}

/** Parameter of an array of numbers. */
export function numberArray(values: readonly (number | bigint)[]): string {
  return `{${values.join(',')}}`;
}

/** As {@link numberArray}, with gaps. */
export function nullableArray(values: readonly (number | bigint | undefined)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

/** A u64 as the bigint column holds it: two's complement. */
export function toInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** A bigint column as the u64 that it stands for. */
export function fromInt64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
