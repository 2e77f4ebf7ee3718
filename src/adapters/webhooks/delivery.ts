import { createHmac } from 'node:crypto';
import type { Clock } from '../../actors/ports/clock.ts';
import type { InvoiceEvent } from '../../actors/ports/invoiceEvents.ts';

const TIMEOUT_MS = 10_000;

/** What is sent, made once for each event: every attempt sends the same text. Names are those of the gRPC API. */
export function bodyOf(event: InvoiceEvent): string {
  return JSON.stringify({
    sequence: event.sequence.toString(),
    type: event.type.toUpperCase(),
    hash: event.paymentHash,
    ...(event.setId === undefined ? {} : { set_id: event.setId }),
    time_ms: event.at.toString(),
    ...(event.failureReason === undefined ? {} : { failure_reason: event.failureReason }),
    settled_msat: event.settledMsat.toString(),
  });
}

/** Proves to whoever knows the secret that lnmux wrote the body, and when it sent it. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

export interface Delivery {
  readonly url: string;
  readonly secret: string;
  readonly sequence: string;
  readonly body: string;
  readonly clock: Clock;
  /** Ends the attempt early. */
  readonly signal: AbortSignal;
}

/**
 * One attempt. Undefined when it was taken (2xx), otherwise why not, in words without the address: there may be a token
 * in it. Redirects are not followed: the operator named this place and no other. The answer is not read.
 */
export async function deliver(delivery: Delivery): Promise<string | undefined> {
  const { url, secret, sequence, body, clock } = delivery;
  const timestamp = Math.floor(clock.now() / 1_000).toString();
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'lnmux-sequence': sequence,
        'lnmux-timestamp': timestamp,
        'lnmux-signature': signatureOf(secret, timestamp, body),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([late.signal, delivery.signal]),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    if (late.signal.aborted) return `no answer within ${TIMEOUT_MS / 1_000} seconds`;
    return delivery.signal.aborted ? 'lnmux is shutting down' : reasonOf(error);
  } finally {
    clock.clearTimeout(timer);
  }
}

/** The code of a failed connection, such as ECONNREFUSED; texts of the HTTP client may name the address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'the request failed';
}
