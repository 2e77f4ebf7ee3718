import { describe, expect, test } from 'vitest';
import type { DatabaseFacts, HtlcRow, InvoiceRow } from '../../verify/chaos/judge/database.ts';
import {
  type AppCall,
  type HtlcRecord,
  Ledger,
  type PaymentRecord,
} from '../../verify/chaos/judge/ledger.ts';
import { judge } from '../../verify/chaos/judge/rules.ts';

type Open<T> = { -readonly [K in keyof T]: T[K] };

/** One payment in two parts that went well, as everybody saw it; tests spoil one thing. */
function world() {
  const ledger = new Ledger();
  const payment: Open<PaymentRecord> = {
    hash: 'aa',
    preimage: 'bb',
    invoice: 'lnbcrt1',
    amountMsat: 300n,
    fate: 'settle',
    parts: 2,
    startedAt: 0,
    hasPreimage: true,
    isOver: true,
  };
  const part = (key: string, amountMsat: bigint): Open<HtlcRecord> => ({
    key,
    hash: 'aa',
    amountMsat,
    expiry: 180,
    sentAt: 0,
    outcome: 'settled',
    endedAt: 1,
    heightAtEnd: 101,
  });
  const parts: [Open<HtlcRecord>, Open<HtlcRecord>] = [part('n:1:1', 100n), part('m:1:1', 200n)];
  const call = (kind: AppCall['kind'], answer: string): Open<AppCall> => ({
    kind,
    setId: 'set',
    at: 0,
    daemon: 'a',
    answer,
    code: 0,
  });
  const calls = { settle: call('settle', 'ok'), wait: call('wait', 'settled') };
  const row: Open<InvoiceRow> = {
    setId: 'set',
    amountMsat: 300n,
    status: 'SETTLED',
    isReleased: true,
    cause: undefined,
    settledMsat: 300n,
  };
  const rows: [Open<HtlcRow>, Open<HtlcRow>] = [
    { hash: 'aa', amountMsat: 100n, status: 'SETTLED' },
    { hash: 'aa', amountMsat: 200n, status: 'SETTLED' },
  ];
  const events: Open<DatabaseFacts['events']> = {
    count: 5n,
    first: 1n,
    last: 5n,
    counter: 5n,
    epochFalls: [],
    endedTwice: [],
  };
  const facts = {
    invoices: new Map([['aa', row]]),
    htlcs: new Map([
      ['n:1:1', rows[0]],
      ['m:1:1', rows[1]],
    ]),
    failsLeft: [] as string[],
    events,
    epoch: 1n,
  };
  ledger.payments.set('aa', payment);
  for (const htlc of parts) ledger.sent(htlc);
  for (const each of Object.values(calls)) ledger.call('aa', each);
  return { ledger, payment, parts, calls, row, rows, events, facts };
}

type World = ReturnType<typeof world>;

const rulesOf = (spoil: (world: World) => void) => {
  const spoilt = world();
  spoil(spoilt);
  return judge(spoilt.ledger, spoilt.facts).violations.map(({ rule }) => rule);
};

/** The whole payment came to nothing, by an answer in time. */
function failAll({ parts, row, rows, calls, payment }: World): void {
  for (const part of parts) part.outcome = 'failed';
  for (const each of rows) each.status = 'FAILED';
  Object.assign(row, { status: 'FAILED', isReleased: false, settledMsat: 0n, cause: 'deadline_reached' });
  calls.wait.answer = 'failed: deadline_reached';
  payment.hasPreimage = false;
}

const SPOILT: readonly [string, string, (world: World) => void][] = [
  [
    'a settled part is not recorded',
    'lost',
    ({ rows, row }) => {
      rows[0].status = 'FAILED';
      row.settledMsat = 200n;
    },
  ],
  ['a settled part has no row', 'lost', ({ facts }) => facts.htlcs.delete('n:1:1')],
  ['an aborted set is paid', 'lost', ({ row }) => Object.assign(row, { status: 'FAILED', settledMsat: 0n })],
  [
    'a part that failed is recorded as settled',
    'credited without payment',
    ({ parts }) => {
      parts[0].outcome = 'failed';
    },
  ],
  [
    'a part that was never sent is recorded',
    'credited without payment',
    ({ facts }) => facts.htlcs.set('x:1:1', { hash: 'aa', amountMsat: 1n, status: 'SETTLED' }),
  ],
  [
    'one part of two is settled',
    'partial',
    (all) => {
      all.parts[0].outcome = 'failed';
      all.rows[0].status = 'FAILED';
      Object.assign(all.row, { status: 'FAILED', settledMsat: 200n, cause: 'partially_settled' });
      all.calls.wait.answer = 'failed: partially_settled';
    },
  ],
  [
    'more than the amount is paid',
    'double',
    ({ ledger, parts, facts, row }) => {
      ledger.sent({ ...parts[0], key: 'n:1:9' });
      facts.htlcs.set('n:1:9', { hash: 'aa', amountMsat: 100n, status: 'SETTLED' });
      row.settledMsat = 400n;
    },
  ],
  [
    'a preimage without release',
    'preimage without release',
    ({ row }) => {
      row.isReleased = false;
    },
  ],
  [
    'a preimage after a failure',
    'preimage without release',
    (all) => {
      failAll(all);
      all.payment.hasPreimage = true;
    },
  ],
  [
    'settled and nobody asked',
    'settled unasked',
    ({ calls }) => {
      calls.settle.kind = 'cancel';
      calls.settle.code = 9;
    },
  ],
  [
    'settled although it is always canceled',
    'settled unasked',
    ({ payment }) => {
      payment.fate = 'cancel';
    },
  ],
  [
    'settle was promised and there is no row',
    'broken promise',
    (all) => {
      failAll(all);
      all.facts.invoices.delete('aa');
      all.facts.htlcs.clear();
      all.calls.wait.code = 14;
    },
  ],
  [
    'another set than the promised one',
    'broken promise',
    ({ row, ledger, calls }) => {
      row.setId = 'other';
      ledger.call('aa', { ...calls.settle, setId: 'other', code: 14 });
    },
  ],
  [
    'a confirmed cancel of a set that is settled',
    'broken promise',
    ({ ledger, calls }) => ledger.call('aa', { ...calls.settle, kind: 'cancel' }),
  ],
  [
    'told settled, but it is not',
    'broken promise',
    (all) => {
      failAll(all);
      all.calls.wait.answer = 'settled';
    },
  ],
  [
    'told failed, but it is settled',
    'broken promise',
    ({ calls }) => {
      calls.wait.answer = 'failed: part_lost';
    },
  ],
  [
    'given back by its node',
    'unanswered',
    (all) => {
      failAll(all);
      all.parts[0].heightAtEnd = 161;
    },
  ],
  [
    'still under way',
    'unanswered',
    (all) => {
      failAll(all);
      all.parts[0].outcome = 'pending';
    },
  ],
  [
    'a payer that waits',
    'unanswered',
    ({ payment }) => {
      payment.isOver = false;
    },
  ],
  [
    'settlement without an end',
    'not final',
    ({ row }) => {
      row.status = 'SETTLE_REQUESTED';
    },
  ],
  ['a failed part without an end', 'not final', ({ facts }) => facts.failsLeft.push('aa')],
  [
    'a gap in the events',
    'gap in events',
    ({ events }) => {
      events.count = 4n;
    },
  ],
  [
    'events behind their counter',
    'gap in events',
    ({ events }) => {
      events.counter = 6n;
    },
  ],
  [
    'a write of an old epoch',
    'fencing',
    ({ events }) => {
      events.epochFalls = [3n];
    },
  ],
  [
    'an invoice that ended twice',
    'double',
    ({ events }) => {
      events.endedTwice = ['aa'];
    },
  ],
  [
    'a stream that was closed for an answer',
    'wrong answer',
    ({ ledger }) => ledger.answerFaults.push({ node: 'alice', at: 0, count: 1 }),
  ],
];

describe('the judge of the chaos run', () => {
  test('finds nothing where all is well, settled or failed', () => {
    expect(rulesOf(() => {})).toEqual([]);
    expect(rulesOf(failAll)).toEqual([]);
  });

  test.each(SPOILT)('%s: %s', (_what, rule, spoil) => {
    expect(rulesOf(spoil)).toContain(rule);
  });

  test('excuses only what is documented: released, then away until a part was given back', () => {
    const spoilt = world();
    const { parts, rows, row, calls } = spoilt;
    Object.assign(parts[0], { outcome: 'failed', heightAtEnd: 161 });
    rows[0].status = 'FAILED';
    Object.assign(row, { status: 'FAILED', settledMsat: 200n, cause: 'partially_settled' });
    calls.wait.answer = 'failed: partially_settled';
    const { violations, residuals } = judge(spoilt.ledger, spoilt.facts);
    expect(violations).toEqual([]);
    expect(residuals.length).toBeGreaterThan(0);
  });
});
