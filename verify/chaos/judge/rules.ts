import type { DatabaseFacts, InvoiceRow } from './database.ts';
import type { AppCall, HtlcRecord, Ledger, PaymentRecord } from './ledger.ts';

/** A promise that was broken. `hash` is there when it concerns one payment. */
export interface Violation {
  readonly rule: string;
  readonly hash?: string;
  readonly text: string;
}

/** The judge's findings: what must not be, and what is documented as unavoidable. */
export interface Judgement {
  readonly violations: readonly Violation[];
  readonly residuals: readonly Violation[];
}

/** lnd fails a held HTLC so many blocks before its expiry; one that its link replays, a little earlier. */
const AUTO_FAIL_BLOCKS = 19;
const REPLAY_BLOCKS = 22;

/** Holds what was seen from outside against what the database says. Pure. */
export function judge(ledger: Ledger, facts: DatabaseFacts): Judgement {
  const violations: Violation[] = [];
  const residuals: Violation[] = [];
  const accuse = (rule: string, text: string, hash?: string) =>
    void violations.push({ rule, text, ...(hash === undefined ? {} : { hash }) });
  for (const payment of ledger.payments.values()) {
    const { hash } = payment;
    const accusePayment = (rule: string, text: string) => accuse(rule, text, hash);
    const seen: Seen = {
      payment,
      htlcs: ledger.htlcsOf(hash),
      calls: ledger.calls.get(hash) ?? [],
      row: facts.invoices.get(hash),
    };
    judgeMoney(seen, accusePayment, (text) => residuals.push({ rule: 'residual', hash, text }));
    judgeDeadlines(seen, accusePayment, (text) => residuals.push({ rule: 'residual', hash, text }));
    judgeCalls(seen, accusePayment);
  }
  judgeHtlcs(ledger, facts, accuse);
  judgeEvents(facts, accuse);
  for (const { node, count, at } of ledger.answerFaults) {
    const time = new Date(at).toISOString();
    accuse('wrong answer', `${node} closed ${count} stream(s) because of an answer before ${time}`);
  }
  return { violations, residuals };
}

interface Seen {
  readonly payment: PaymentRecord;
  readonly htlcs: readonly HtlcRecord[];
  readonly calls: readonly AppCall[];
  readonly row: InvoiceRow | undefined;
}

type Accuse = (rule: string, text: string) => void;

/** Nothing lost, nothing double, nothing partial, nothing without authority. */
function judgeMoney(
  { payment, htlcs, calls, row }: Seen,
  accuse: Accuse,
  excuse: (text: string) => void,
): void {
  const settled = htlcs.filter(({ outcome }) => outcome === 'settled');
  const paid = settled.reduce((sum, { amountMsat }) => sum + amountMsat, 0n);
  const text = `payer paid ${paid} of ${payment.amountMsat} msat, database says ${row?.status ?? 'nothing'}`;
  const recorded = row?.settledMsat ?? 0n;
  if (paid !== recorded && row?.status !== 'SETTLE_REQUESTED') {
    accuse(paid > recorded ? 'lost' : 'credited without payment', `${text}, ${recorded} msat`);
  }
  if (paid > payment.amountMsat) accuse('double', text);
  if (paid > 0n && paid < payment.amountMsat) {
    const isGivenBack = htlcs.some(isAutoFailed);
    if (isGivenBack && row?.status === 'FAILED' && row.cause === 'partially_settled') excuse(text);
    else accuse('partial', text);
  }
  if (row?.status === 'SETTLED' && paid !== payment.amountMsat) accuse('partial', `${text}, called settled`);
  if ((payment.hasPreimage || paid > 0n) && !row?.isReleased) {
    accuse('preimage without release', `${text}, released: ${row?.isReleased ?? 'no row'}`);
  }
  if (row?.isReleased && !calls.some(({ kind, setId }) => kind === 'settle' && setId === row.setId)) {
    accuse('settled unasked', `${text}, but nobody asked for set ${row.setId}`);
  }
  if (row?.status === 'FAILED' && row.isReleased && paid === 0n && row.cause === 'parts_failed') {
    excuse(`released, but every part was given back: ${row.cause}`);
  }
}

function isAutoFailed({ outcome, expiry, heightAtEnd }: HtlcRecord): boolean {
  return outcome === 'failed' && heightAtEnd !== undefined && heightAtEnd >= expiry - REPLAY_BLOCKS;
}

/** Every HTLC is answered before its node gives it back. */
function judgeDeadlines({ payment, htlcs, row }: Seen, accuse: Accuse, excuse: (text: string) => void): void {
  for (const htlc of htlcs) {
    if (isAutoFailed(htlc)) {
      const limit = htlc.expiry - AUTO_FAIL_BLOCKS;
      const text = `${htlc.key} was given back at ${htlc.heightAtEnd}, auto-fail height ${limit}`;
      if (row?.isReleased) excuse(text);
      else accuse('unanswered', text);
    }
    if (htlc.outcome === 'pending') accuse('unanswered', `${htlc.key} is still under way`);
    if (htlc.outcome === 'failedOnChain' || htlc.outcome === 'malformed') accuse('odd outcome', htlc.outcome);
  }
  if (!payment.isOver) accuse('unanswered', 'the payer still waits');
  if (row?.status === 'SETTLE_REQUESTED') accuse('not final', 'settlement is requested and has no end');
}

/** What the application was told stays true. */
function judgeCalls({ calls, row, htlcs, payment }: Seen, accuse: Accuse): void {
  const told = calls.filter(({ code }) => code === 0);
  for (const { kind, setId, answer } of told) {
    if (kind === 'settle' && row?.setId !== setId) {
      accuse('broken promise', `settle of ${setId} was taken, the row has ${row?.setId ?? 'never been'}`);
    }
    if (kind === 'cancel' && row?.setId === setId) {
      accuse('broken promise', `cancel of ${setId} was confirmed, and the same set is ${row.status}`);
    }
    if (kind === 'wait' && answer === 'settled' && row?.status !== 'SETTLED') {
      accuse('broken promise', `the application was told settled, the row is ${row?.status ?? 'not there'}`);
    }
    if (kind === 'wait' && answer.startsWith('failed') && row?.status === 'SETTLED') {
      accuse('broken promise', `the application was told ${answer}, the row is SETTLED`);
    }
  }
  if (payment.fate === 'cancel' && htlcs.some(({ outcome }) => outcome === 'settled')) {
    accuse('settled unasked', 'the application only ever canceled it');
  }
}

/** Part by part, the nodes and the database agree. */
function judgeHtlcs(
  ledger: Ledger,
  facts: DatabaseFacts,
  accuse: (...args: [string, string, string?]) => void,
): void {
  for (const { key, hash, outcome, amountMsat } of ledger.htlcs.values()) {
    const row = facts.htlcs.get(key);
    if (outcome === 'settled' && row?.status !== 'SETTLED') {
      accuse('lost', `${key} is settled, its row is ${row?.status ?? 'missing'}`, hash);
    }
    if (row && row.hash !== hash) accuse('double', `${key} is recorded for ${row.hash}`, hash);
    if (row && row.amountMsat !== amountMsat)
      accuse('lost', `${key}: ${amountMsat} is ${row.amountMsat}`, hash);
  }
  for (const [key, row] of facts.htlcs) {
    const seen = ledger.htlcs.get(key);
    if (!seen) accuse('credited without payment', `${key} was never sent`, row.hash);
    else if (row.status === 'SETTLED' && seen.outcome !== 'settled') {
      accuse('credited without payment', `${key} is recorded as settled, it is ${seen.outcome}`, row.hash);
    }
  }
  for (const hash of facts.failsLeft) accuse('not final', 'a failed part has no recorded end', hash);
}

function judgeEvents({ events }: DatabaseFacts, accuse: (...args: [string, string, string?]) => void): void {
  if (events.count !== events.last - events.first + 1n || events.last !== events.counter) {
    accuse(
      'gap in events',
      `${events.count} from ${events.first} to ${events.last}, counter ${events.counter}`,
    );
  }
  for (const seq of events.epochFalls) accuse('fencing', `event ${seq} has a lower epoch than one before`);
  for (const hash of events.endedTwice) accuse('double', 'the invoice ended twice', hash);
}
