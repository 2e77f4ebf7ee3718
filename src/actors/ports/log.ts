/** Fields of a log line. Never a preimage, a macaroon, a key or a payment address. */
export type LogFields = Record<string, unknown>;

/** What the core needs of a logger; pino fits it. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}
