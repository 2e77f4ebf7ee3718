import fc from 'fast-check';
import type { ReleaseView } from '../../src/domain/barrier.ts';
import type { SetId } from '../../src/domain/hash.ts';
import type { Part } from '../../src/domain/part.ts';
import { setIdOf } from '../../src/domain/setId.ts';
import type { HtlcSetEvent, SetReport } from '../../src/machines/htlcSet/events.ts';
import type { InvoiceEvent } from '../../src/machines/invoice/events.ts';
import type { LeadershipEvent } from '../../src/machines/leadership/events.ts';
import type { NodeLinkEvent } from '../../src/machines/nodeLink/events.ts';
import { AMOUNT, makePart, START_HEIGHT, WRONG_SET } from './world/scene.ts';

/** Well-formed events of each chart without any regard to what could happen next: for properties of single charts. */

export const PARTS: readonly Part[] = [0, 1, 2, 3].map((index) =>
  makePart(index, START_HEIGHT, { amountMsat: AMOUNT / 2n, totalMsat: AMOUNT, cltvDelta: 40 }),
);

const part = fc.constantFrom(...PARTS);
const partId = part.map((p) => p.id);
const height = fc.constantFrom(START_HEIGHT, START_HEIGHT + 30, START_HEIGHT + 31, START_HEIGHT + 100);
const view: fc.Arbitrary<ReleaseView> = fc.record({
  height: fc.oneof({ weight: 3, arbitrary: fc.constant(START_HEIGHT) }, height),
  absent: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(partId, { maxLength: 2 })),
});

const only = <T extends string>(type: T) => fc.constant({ type } as const);
const event = <T extends string, R extends object>(type: T, fields: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record(fields).map((values) => ({ type, ...(values as R) }));

export const htlcSetEvents: fc.Arbitrary<HtlcSetEvent> = fc.oneof(
  event('part.added', { part }),
  event('part.offered', { partId, view }),
  event('part.finalised', { partId, settled: fc.boolean() }),
  event('final.recorded', { partId }),
  event('settle.requested', { view }),
  only('cancel.requested'),
  only('deadline.reached'),
  event('view.changed', { view }),
  event('commit.succeeded', { view }),
  event('commit.failed', { reason: fc.constant('no connection') }),
  only('commit.ambiguous'),
  event('commit.refused', { because: fc.constant('a rival wrote first') }),
  only('commit.fenced'),
);

const setId: fc.Arbitrary<SetId> = fc.constantFrom(WRONG_SET, setIdOf(PARTS.slice(0, 2).map((p) => p.key)));
const attempt = fc.constantFrom('1', '1', '2', '9');
const facts = fc.record({
  now: fc.constantFrom(1_700_000_000, 1_700_000_000, 1_800_000_000),
  height,
  subscribed: fc.boolean(),
});
const reason = fc.constantFrom('mpp_timeout' as const, 'canceled' as const);

const reports: fc.Arbitrary<SetReport> = fc.oneof(
  event('set.completed', { attempt, setId }),
  event('set.partLost', { attempt, amountMsat: fc.constant(AMOUNT / 2n) }),
  event('set.requested', { attempt }),
  event('set.releasing', { attempt }),
  event('set.released', { attempt }),
  event('set.reopened', { attempt }),
  event('set.failing', { attempt, reason }),
  event('set.aborted', { attempt, reason }),
  event('set.closed', { attempt, settledMsat: fc.constantFrom(0n, AMOUNT / 2n, AMOUNT) }),
);

export const invoiceEvents: fc.Arbitrary<InvoiceEvent> = fc.oneof(
  { weight: 3, arbitrary: event('part.arrived', { part, facts }) },
  { weight: 2, arbitrary: event('settle.requested', { setId, view }) },
  event('cancel.requested', { setId }),
  only('invoice.close'),
  { weight: 9, arbitrary: reports },
);

const jitter = fc.constantFrom(0, 0.5, 0.999);
const source = fc.constantFrom('events' as const, 'blocks' as const, 'interceptor' as const);

export const nodeLinkEvents: fc.Arbitrary<NodeLinkEvent> = fc.oneof(
  event('link.started', { jitter }),
  { weight: 4, arbitrary: event('validation.succeeded', { synced: fc.boolean(), jitter }) },
  { weight: 4, arbitrary: only('events.subscribed') },
  { weight: 4, arbitrary: event('block.connected', { height }) },
  { weight: 4, arbitrary: only('interceptor.opened') },
  { weight: 2, arbitrary: event('sync.checked', { synced: fc.boolean() }) },
  { weight: 2, arbitrary: fc.oneof(only('drain.requested'), only('drain.ended')) },
  { weight: 2, arbitrary: only('retry.requested') },
  { weight: 2, arbitrary: event('interceptor.occupied', { jitter }) },
  fc.oneof(
    only('link.stopped'),
    event('node.refused', { reason: fc.constant('wrong network'), jitter }),
    event('connection.failed', { source, reason: fc.constant('gone'), jitter }),
  ),
);

const epoch = fc.constantFrom(1n, 1n, 2n);
const validMs = fc.constantFrom(-1, 0, 10_000, 14_000);

export const leadershipEvents: fc.Arbitrary<LeadershipEvent> = fc.oneof(
  only('candidacy.started'),
  fc.oneof(only('resignation.requested'), only('epoch.fenced'), event('lease.lost', { epoch })),
  event('lease.acquired', { epoch, validMs }),
  event('lease.held', { remainingMs: fc.constantFrom(0, 100, 14_000) }),
  event('lease.renewed', { epoch, validMs }),
  event('lease.released', { epoch }),
  event('lease.failed', { jitter }),
);
