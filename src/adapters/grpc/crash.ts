import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { Log } from '../../actors/ports/log.ts';
import { type Outcome, refuse } from './outcome.ts';

/** Long runs of hex or base64 may be a preimage or a key; a log line of a crash can do without them. */
export function withoutSecrets(text: string): string {
  return text.replace(/[0-9a-zA-Z+/=_-]{32,}/g, '<hidden>');
}

/**
 * The answer to a call whose handler threw. The client learns a reference and nothing else, because the text of an
 * unexpected exception may hold anything; the log has the same reference.
 */
export function crashed(log: Log, method: string, error: unknown): Outcome<never> {
  const reference = randomBytes(4).toString('hex');
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error({ method, reference, stack: withoutSecrets(stack) }, 'Call failed unexpectedly');
  return refuse(status.INTERNAL, `internal error, reference ${reference}: see the log of lnmuxd`);
}
