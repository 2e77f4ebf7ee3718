import type { PaymentHash } from '../../src/domain/hash.ts';
import { toHex } from '../../src/domain/hex.ts';
import { sha256 } from '../../src/lightning/crypto.ts';
import { SimulatedNode } from '../../src/simulator/node/simulatedNode.ts';
import type {
  Answer,
  Htlc,
  IncomingHtlc,
  InterceptorClient,
  JournalRecord,
  NodeEvent,
  NodeOutput,
  NodeSettings,
  NodeTimer,
  Offer,
  Outcome,
  RpcFault,
} from '../../src/simulator/node/types.ts';

export const CHAN = (700_000n << 40n) | (5n << 16n) | 1n;
export const VIRTUAL = (1n << 63n) | 7n;
export const PREIMAGE = new Uint8Array(32).fill(7);
export const HASH = toHex(sha256(PREIMAGE)) as PaymentHash;

/** Runs what was scheduled when told to. */
export class FakeTimer implements NodeTimer {
  private waiting: { at: number; order: number; run: () => void }[] = [];
  private now = 0;
  private count = 0;

  schedule(delayMs: number, run: () => void): void {
    this.waiting.push({ at: this.now + delayMs, order: this.count++, run });
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.waiting
        .filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.waiting = this.waiting.filter((each) => each !== due);
      this.now = due.at;
      due.run();
    }
    this.now = end;
  }
}

export class FakeClient implements InterceptorClient {
  readonly offers: Offer[] = [];
  readonly ends: RpcFault[] = [];

  offer(offer: Offer): void {
    this.offers.push(offer);
  }

  end(fault: RpcFault): void {
    this.ends.push(fault);
  }
}

export interface Recorded {
  readonly events: NodeEvent[];
  readonly outcomes: { htlc: Htlc; outcome: Outcome }[];
  readonly journal: JournalRecord[];
  readonly blocks: { height: number; hash: string }[];
  readonly answered: Htlc[];
}

/** A node with a fake timer and everything it told. */
export function makeNode(
  settings: Partial<NodeSettings> = {},
  options: { height?: number; journal?: JournalRecord[]; seed?: number } = {},
) {
  const recorded: Recorded = { events: [], outcomes: [], journal: [], blocks: [], answered: [] };
  const output: NodeOutput = {
    event: (event) => recorded.events.push(event),
    outcome: (htlc, outcome) => recorded.outcomes.push({ htlc, outcome }),
    journal: (record) => recorded.journal.push(record),
    block: (height, hash) => recorded.blocks.push({ height, hash: toHex(hash) }),
    answered: (htlc) => recorded.answered.push(htlc),
  };
  const timer = new FakeTimer();
  const { height = 100, seed = 1, journal } = options;
  const node = new SimulatedNode({ settings, height, seed, output, timer, ...(journal ? { journal } : {}) });
  return { node, timer, recorded };
}

/** An HTLC for the virtual channel, with plenty of blocks left. */
export function incoming(changes: Partial<IncomingHtlc> = {}): IncomingHtlc {
  return {
    chanId: CHAN,
    paymentHash: HASH,
    incomingAmountMsat: 1_000_000n,
    incomingExpiry: 180,
    outgoingAmountMsat: 1_000_000n,
    outgoingExpiry: 140,
    outgoingChanId: VIRTUAL,
    onionBlob: new Uint8Array(1366),
    sharedSecret: new Uint8Array(32),
    ...changes,
  };
}

const NOTHING = new Uint8Array(0);

export const answers = {
  settle: (key: Answer['key'], preimage: Uint8Array = PREIMAGE): Answer => ({
    ...{ key, action: 0, preimage, failureMessage: NOTHING, failureCode: 0 },
  }),
  fail: (key: Answer['key'], failureMessage: Uint8Array = new Uint8Array(292), failureCode = 0): Answer => ({
    ...{ key, action: 1, preimage: NOTHING, failureMessage, failureCode },
  }),
  resume: (key: Answer['key']): Answer => ({
    ...{ key, action: 2, preimage: NOTHING, failureMessage: NOTHING, failureCode: 0 },
  }),
};
