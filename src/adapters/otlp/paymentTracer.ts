import { randomBytes } from 'node:crypto';
import type { PaymentEvent, PaymentObserver } from '../../actors/ports/paymentObserver.ts';
import type { NodeId, PaymentHash } from '../../domain/hash.ts';
import type { PartId } from '../../domain/htlcKey.ts';
import type { Part } from '../../domain/part.ts';
import type { Attributes, Span, SpanEvent } from './span.ts';

export interface PaymentTracerOptions {
  readonly emit: (span: Span) => void;
  /** Share of payments that are traced, 1 to 100. */
  readonly samplePercent: number;
  /** Name of a node, for people. */
  readonly nameOf: (nodeId: NodeId) => string;
}

/** Payments that are followed at a time; those above are not traced. Each takes about 2 kB. */
const MAX_OPEN = 10_000;
/** Events of one payment; a payer that tries for ever must not fill the memory. */
const MAX_EVENTS = 200;

interface OpenSpan {
  readonly spanId: string;
  readonly startMs: number;
  readonly attributes: Attributes;
}

interface OpenPayment extends OpenSpan {
  readonly events: SpanEvent[];
  readonly parts: Map<PartId, OpenSpan>;
  setId: string | undefined;
  /** From complete to the application's call, and from submitted to durable. */
  deciding: number | undefined;
  committing: number | undefined;
  released: number | undefined;
  error: string | undefined;
}

const newSpanId = () => randomBytes(8).toString('hex');

/**
 * One trace for each payment. Its id is the first half of the payment hash: whoever knows the hash finds the trace,
 * and what the next leader adds belongs to the same one.
 */
export class PaymentTracer implements PaymentObserver {
  readonly #options: PaymentTracerOptions;
  readonly #open = new Map<PaymentHash, OpenPayment>();

  constructor(options: PaymentTracerOptions) {
    this.#options = options;
  }

  happened(hash: PaymentHash, event: PaymentEvent, at: number): void {
    const payment = this.#open.get(hash) ?? this.#begin(hash, event, at);
    if (!payment) return;
    const emit = (name: string, startMs: number, attributes: Attributes = {}, error?: string) =>
      this.#emit(hash, payment, name, { spanId: newSpanId(), startMs, attributes }, at, error);
    switch (event.type) {
      case 'part.held':
        payment.parts.set(event.part.id, this.#part(event.part, at));
        return;
      case 'set.completed':
        payment.setId = event.setId;
        payment.deciding = at;
        return note(payment, event.type, at, { 'lnmux.set_id': event.setId, 'lnmux.parts': event.parts });
      case 'settle.requested':
        if (payment.deciding !== undefined) emit('application', payment.deciding);
        payment.deciding = undefined;
        return note(payment, event.type, at);
      case 'decision.submitted':
        payment.committing = at;
        payment.setId ??= event.setId;
        return;
      case 'decision.committed':
        if (payment.committing !== undefined)
          emit('commit', payment.committing, { 'lnmux.decision': event.decision });
        payment.committing = undefined;
        if (event.reason !== undefined) payment.error = event.reason;
        return note(payment, event.type, at, {
          'lnmux.decision': event.decision,
          ...(event.reason === undefined ? {} : { 'lnmux.reason': event.reason }),
        });
      case 'preimage.released':
        payment.released = at;
        return note(payment, event.type, at);
      case 'part.final':
        return this.#partFinal(hash, payment, event, at);
      case 'invoice.final':
        if (payment.released !== undefined) emit('lnd', payment.released);
        payment.released = undefined;
        payment.error = event.status === 'settled' ? undefined : (event.reason ?? 'failed');
        return note(payment, event.type, at, {
          'lnmux.status': event.status,
          'lnmux.settled_msat': event.settledMsat,
        });
      case 'payment.closed':
        return this.#close(hash, payment, at);
    }
  }

  /** Ends what is under way; its next part comes from the next leader. */
  finish(at: number): void {
    for (const [hash, payment] of [...this.#open]) {
      note(payment, 'lnmux.stopped', at);
      this.#close(hash, payment, at);
    }
  }

  #begin(hash: PaymentHash, { type }: PaymentEvent, at: number): OpenPayment | undefined {
    if (type === 'payment.closed' || this.#open.size >= MAX_OPEN || !this.#isSampled(hash)) return undefined;
    const payment: OpenPayment = {
      spanId: newSpanId(),
      startMs: at,
      attributes: { 'lnmux.payment_hash': hash, ...(type === 'part.held' ? {} : { 'lnmux.resumed': true }) },
      events: [],
      parts: new Map(),
      setId: undefined,
      deciding: undefined,
      committing: undefined,
      released: undefined,
      error: undefined,
    };
    this.#open.set(hash, payment);
    return payment;
  }

  /** By the hash, so that every leader decides alike. */
  #isSampled(hash: PaymentHash): boolean {
    return Number.parseInt(hash.slice(-8), 16) / 2 ** 32 < this.#options.samplePercent / 100;
  }

  #part(part: Part, at: number): OpenSpan {
    const { key, amountMsat, autoFailHeight } = part;
    const attributes = {
      'lnmux.node': this.#options.nameOf(key.nodeId),
      'lnmux.circuit_key': `${key.chanId}:${key.htlcId}`,
      'lnmux.amount_msat': amountMsat,
      'lnmux.auto_fail_height': autoFailHeight,
    };
    return { spanId: newSpanId(), startMs: at, attributes };
  }

  #partFinal(
    hash: PaymentHash,
    payment: OpenPayment,
    { partId, settled }: Extract<PaymentEvent, { type: 'part.final' }>,
    at: number,
  ): void {
    const part = payment.parts.get(partId);
    note(payment, 'part.final', at, { 'lnmux.htlc': partId, 'lnmux.settled': settled });
    if (!part) return;
    payment.parts.delete(partId);
    this.#emit(hash, payment, 'part', part, at, settled ? undefined : 'failed');
  }

  #close(hash: PaymentHash, payment: OpenPayment, at: number): void {
    this.#open.delete(hash);
    for (const part of payment.parts.values()) {
      this.#emit(hash, payment, 'part', part, at, payment.error);
    }
    this.#options.emit({
      traceId: traceIdOf(hash),
      parentSpanId: undefined,
      spanId: payment.spanId,
      name: 'payment',
      startMs: payment.startMs,
      endMs: at,
      attributes: { ...payment.attributes, ...(payment.setId ? { 'lnmux.set_id': payment.setId } : {}) },
      events: payment.events,
      error: payment.error,
    });
  }

  #emit(
    hash: PaymentHash,
    payment: OpenPayment,
    name: string,
    { spanId, startMs, attributes }: OpenSpan,
    endMs: number,
    error: string | undefined,
  ): void {
    const parentSpanId = payment.spanId;
    const traceId = traceIdOf(hash);
    this.#options.emit({
      traceId,
      parentSpanId,
      spanId,
      name,
      startMs,
      endMs,
      attributes,
      events: [],
      error,
    });
  }
}

/** The id under which the trace of a payment is found. */
export const traceIdOf = (hash: PaymentHash): string => hash.slice(0, 32);

function note(payment: OpenPayment, name: string, atMs: number, attributes: Attributes = {}): void {
  if (payment.events.length < MAX_EVENTS) payment.events.push({ name, atMs, attributes });
}
