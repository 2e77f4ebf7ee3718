import type { Clock } from '../../actors/ports/clock.ts';
import type { Log } from '../../actors/ports/log.ts';
import { type Attributes, exportRequest, type Span } from './span.ts';

export interface OtlpExporterOptions {
  /** Base URL of the collector, such as http://localhost:4318, or the whole one, ending in /v1/traces. */
  readonly endpoint: string;
  readonly resource: Attributes;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Spans that wait for a collector that is away: about 10 MB. The oldest go first. */
const MAX_WAITING = 10_000;
const BATCH = 512;
const FLUSH_MS = 2_000;
const RETRY_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** How long an orderly end waits for the collector. */
const CLOSE_LIMIT_MS = 1_500;
/** A collector that is away is mentioned this often. */
const COMPLAIN_EVERY_MS = 600_000;

const RETRYABLE = new Set([429, 502, 503, 504]);

/** Sends spans to an OpenTelemetry collector (OTLP over HTTP, JSON), in batches and off the way of payments. */
export class OtlpExporter {
  readonly #options: OtlpExporterOptions;
  readonly #url: string;
  readonly #abort = new AbortController();
  #waiting: Span[] = [];
  #sending: Promise<void> | undefined;
  #timer: unknown;
  #closed = false;
  #complainedAt = Number.NEGATIVE_INFINITY;
  /** Since the start. */
  sent = 0;
  dropped = 0;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
    const base = options.endpoint.replace(/\/+$/, '');
    this.#url = base.endsWith('/v1/traces') ? base : `${base}/v1/traces`;
  }

  /** Spans that wait. */
  get depth(): number {
    return this.#waiting.length;
  }

  add(span: Span): void {
    if (this.#closed) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      this.dropped += 1;
    }
    this.#waiting.push(span);
    this.#schedule(FLUSH_MS);
  }

  /** Sends what waits, for a moment; what the collector has not taken then is lost. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#timer);
    const limit = setTimeout(() => this.#abort.abort(), CLOSE_LIMIT_MS).unref();
    await this.#sending;
    while (this.#waiting.length > 0 && (await this.#sendBatch()));
    clearTimeout(limit);
    this.#abort.abort();
  }

  #schedule(ms: number): void {
    if (this.#timer !== undefined || this.#sending || this.#closed) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#sendAll();
    }, ms);
  }

  async #sendAll(): Promise<void> {
    let taken = true;
    while (taken && this.#waiting.length > 0) taken = await this.#sendBatch();
    this.#sending = undefined;
    if (this.#waiting.length > 0) this.#schedule(RETRY_MS);
  }

  /** False when the collector should be left alone for a while. */
  async #sendBatch(): Promise<boolean> {
    const batch = this.#waiting.splice(0, BATCH);
    const { resource, version } = this.#options;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: exportRequest(resource, version, batch),
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        redirect: 'error',
      });
      await response.body?.cancel();
      if (response.ok) {
        this.sent += batch.length;
        return true;
      }
      this.#complain(`HTTP ${response.status}`);
      if (RETRYABLE.has(response.status)) return this.#putBack(batch);
      this.dropped += batch.length;
      return true;
    } catch (error) {
      this.#complain(reasonOf(error));
      return this.#putBack(batch);
    }
  }

  #putBack(batch: readonly Span[]): false {
    const room = Math.max(0, MAX_WAITING - this.#waiting.length);
    const kept = batch.slice(Math.max(0, batch.length - room));
    this.dropped += batch.length - kept.length;
    this.#waiting.unshift(...kept);
    return false;
  }

  #complain(error: string): void {
    const { clock, log } = this.#options;
    if (clock.now() - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = clock.now();
    log.warn(
      { error, waiting: this.#waiting.length },
      'Traces could not be sent: is tracing.otlpEndpoint right?',
    );
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && cause.message !== '') return cause.message;
  return error instanceof Error ? error.message : String(error);
}
