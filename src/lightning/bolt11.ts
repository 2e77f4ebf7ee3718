export { type DecodedInvoice, decodeInvoice } from './bolt11Decoder.ts';
export { createInvoice, type InvoiceInput } from './bolt11Encoder.ts';
export type { RouteHint } from './bolt11Format.ts';
