import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PaymentEvent } from '../../src/actors/ports/paymentObserver.ts';
import { OtlpExporter } from '../../src/adapters/otlp/otlpExporter.ts';
import { PaymentTracer, traceIdOf } from '../../src/adapters/otlp/paymentTracer.ts';
import type { Span } from '../../src/adapters/otlp/span.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { startRig } from '../actors/rig.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';
import { attributesOf, type Collector, startCollector } from './collector.ts';

let collector: Collector;
let clock: SimulatedClock;
let log: RecordingLog;

beforeEach(async () => {
  collector = await startCollector();
  clock = new SimulatedClock();
  log = new RecordingLog();
});
afterEach(() => collector.close());

const exporter = () =>
  new OtlpExporter({
    endpoint: collector.endpoint,
    resource: { 'service.name': 'lnmux' },
    version: '1.2.3',
    clock,
    log,
  });

const tracer = (emit: (span: Span) => void, samplePercent = 100) =>
  new PaymentTracer({ emit, samplePercent, nameOf: (nodeId) => (nodeId === ALICE ? 'alice' : 'bob') });

const span = (name: string): Span => ({
  traceId: 'ab'.repeat(16),
  spanId: 'cd'.repeat(8),
  parentSpanId: undefined,
  name,
  startMs: 1_700_000_000_000,
  endMs: 1_700_000_000_001,
  attributes: {},
  events: [],
  error: undefined,
});

describe('a traced payment', () => {
  it('is one trace, from its first part to the last word on it, and holds no preimage', async () => {
    const out = exporter();
    const rig = await startRig({ clock, observer: tracer((each) => out.add(each)) });
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { amountMsat: 4_000n }));
    await clock.advance(1_000);
    await rig.pay(testPart(invoice, { amountMsat: 6_000n, nodeId: BOB }));
    await clock.advance(2_000);
    await rig.settle(invoice.paymentHash);
    await clock.advance(3_000);
    rig.alice.process();
    rig.bob.process();
    await clock.advance(100);
    await out.close();

    const spans = collector.spans();
    const root = spans.find(({ name }) => name === 'payment')!;
    expect(spans.map(({ name }) => name).sort()).toEqual([
      'application',
      'commit',
      'lnd',
      'part',
      'part',
      'payment',
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([invoice.paymentHash.slice(0, 32)]));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(6);
    for (const { spanId, parentSpanId } of spans) {
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(parentSpanId).toBe(spanId === root.spanId ? undefined : root.spanId);
    }
    expect(root).toMatchObject({ startTimeUnixNano: '1700000000000000000', status: { code: 1 } });
    expect(attributesOf(root)).toEqual({
      'lnmux.payment_hash': invoice.paymentHash,
      'lnmux.set_id': rig.setOf(invoice.paymentHash),
    });
    expect(root.events.map(({ name }) => name)).toEqual([
      'set.completed',
      'settle.requested',
      'decision.committed',
      'preimage.released',
      'part.final',
      'part.final',
      'invoice.final',
    ]);
    const application = spans.find(({ name }) => name === 'application')!;
    expect([application.startTimeUnixNano, application.endTimeUnixNano]).toEqual([
      '1700000001000000000',
      '1700000003000000000',
    ]);
    const parts = spans.filter(({ name }) => name === 'part').map(attributesOf);
    expect(parts.map((part) => [part['lnmux.node'], part['lnmux.amount_msat']])).toEqual([
      ['alice', '4000'],
      ['bob', '6000'],
    ]);
    expect(collector.bodies.join()).not.toContain(invoice.preimage);
  });

  it('that fails says why', async () => {
    const spans: Span[] = [];
    const rig = await startRig({ clock, observer: tracer((each) => spans.push(each)) });
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { amountMsat: 4_000n }));
    await clock.advance(60_000);
    rig.alice.process();
    await clock.advance(100);
    expect(spans.map(({ name, error }) => [name, error])).toEqual([
      ['commit', undefined],
      ['part', 'failed'],
      ['payment', 'mpp_timeout'],
    ]);
  });

  it('whose daemon ends leaves what there is of it', async () => {
    const spans: Span[] = [];
    const observer = tracer((each) => spans.push(each));
    const rig = await startRig({ clock, observer });
    await rig.pay(testPart(testInvoice(10_000n)));
    observer.finish(clock.now());
    await turns();
    expect(spans.map(({ name }) => name)).toEqual(['part', 'payment']);
    expect(spans[1]?.events.at(-1)?.name).toBe('lnmux.stopped');
  });
});

describe('sampling', () => {
  const held: PaymentEvent = { type: 'settle.requested', setId: '' as never };
  const hashes = Array.from(
    { length: 1_000 },
    (_, i) =>
      `${'00'.repeat(28)}${((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0')}` as PaymentHash,
  );

  it('takes the share that is asked for, and the same payments in every process', () => {
    const taken = [0, 1].map(() => {
      const spans: string[] = [];
      const some = tracer(
        (each) => spans.push(each.traceId + String(each.attributes['lnmux.payment_hash'])),
        10,
      );
      for (const hash of hashes) some.happened(hash, held, 0);
      some.finish(0);
      return spans;
    });
    expect(taken[0]?.length).toBeGreaterThan(80);
    expect(taken[0]?.length).toBeLessThan(120);
    expect(taken[0]).toEqual(taken[1]);
  });

  it('follows no more payments at a time than there is room for', () => {
    let spans = 0;
    const all = tracer(() => {
      spans += 1;
    });
    for (let i = 0; i < 10_050; i += 1) {
      all.happened(i.toString(16).padStart(64, '0') as PaymentHash, held, 0);
    }
    all.finish(0);
    expect(spans).toBe(10_000);
    expect(traceIdOf(hashes[0]!)).toHaveLength(32);
  });
});

describe('the exporter', () => {
  it('tries again when the collector is away, and mentions it once', async () => {
    const out = exporter();
    collector.answers.push(503, 429);
    out.add(span('a'));
    await clock.advance(2_000);
    await expect.poll(() => collector.requests, { timeout: 20_000 }).toBe(1);
    await expect.poll(() => clock.pending, { timeout: 20_000 }).toBe(1);
    await clock.advance(5_000);
    await expect.poll(() => collector.requests, { timeout: 20_000 }).toBe(2);
    await expect.poll(() => clock.pending, { timeout: 20_000 }).toBe(1);
    await clock.advance(5_000);
    await expect.poll(() => collector.spans().length, { timeout: 20_000 }).toBe(1);
    expect(log.lines.map(({ level, fields }) => [level, fields.error])).toEqual([['warn', 'HTTP 503']]);
    await expect.poll(() => out.sent, { timeout: 20_000 }).toBe(1);
    await out.close();
    expect([out.dropped, out.depth]).toEqual([0, 0]);
  });

  it('does not repeat what the collector refuses', async () => {
    const out = exporter();
    collector.answers.push(400);
    out.add(span('a'));
    await out.close();
    expect([collector.requests, out.sent, out.dropped]).toEqual([1, 0, 1]);
  });

  it('keeps the newest of what does not fit', async () => {
    const out = exporter();
    for (let i = 0; i < 10_003; i += 1) out.add(span(String(i)));
    expect([out.depth, out.dropped]).toEqual([10_000, 3]);
    await out.close();
    expect(collector.spans()[0]?.name).toBe('3');
    expect(out.sent).toBe(10_000);
  });

  it('does not hold up the end for a collector that gives no answer', async () => {
    const out = exporter();
    collector.answers.push('hang', 'hang');
    out.add(span('a'));
    await clock.advance(2_000);
    await expect.poll(() => collector.requests, { timeout: 20_000 }).toBe(1);
    await out.close();
    expect(out.sent).toBe(0);
  });
});
