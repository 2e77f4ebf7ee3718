import type { PartId } from '../../domain/htlcKey.ts';

const NODE_DIGITS = 66;

/** An HTLC in a log line, by the Go program's names: its node, and channel and index as lnd writes them. */
export function htlcFields(id: PartId): { readonly node: string; readonly circuitKey: string } {
  return { node: id.slice(0, NODE_DIGITS), circuitKey: id.slice(NODE_DIGITS + 1) };
}
