/** Everything that was seen from outside: what payers got, what the application was told. */

/** An HTLC as its sender knows it. */
export interface HtlcRecord {
  /** `node:channel:htlc`. */
  readonly key: string;
  readonly hash: string;
  readonly amountMsat: bigint;
  /** Incoming expiry, a height. */
  readonly expiry: number;
  readonly sentAt: number;
  outcome: 'pending' | 'settled' | 'failed' | 'failedOnChain' | 'malformed';
  endedAt: number | undefined;
  /** Of its node when the outcome came. */
  heightAtEnd: number | undefined;
}

export type Fate = 'settle' | 'cancel' | 'ignore' | 'incomplete';

/** One invoice and the plan for it. */
export interface PaymentRecord {
  readonly hash: string;
  /** Hex; to be looked for in logs. */
  readonly preimage: string;
  readonly invoice: string;
  readonly amountMsat: bigint;
  readonly fate: Fate;
  readonly parts: number;
  readonly startedAt: number;
  /** A payer has a preimage that fits. */
  hasPreimage: boolean;
  /** The payer has stopped: every HTLC has its outcome. */
  isOver: boolean;
}

export type AppCallKind = 'settle' | 'cancel' | 'wait';

/** One call of the application and its answer. */
export interface AppCall {
  readonly kind: AppCallKind;
  readonly setId: string;
  readonly at: number;
  readonly daemon: string;
  /** `ok`, `settled`, `failed: why`, or gRPC's code and text. */
  answer: string;
  /** gRPC's code, 0 for OK; undefined while there is no answer. */
  code: number | undefined;
}

/** The outside ledger. */
export class Ledger {
  readonly payments = new Map<string, PaymentRecord>();
  readonly htlcs = new Map<string, HtlcRecord>();
  readonly calls = new Map<string, AppCall[]>();
  /** Streams that a node closed because of a wrong answer, with the node's name. */
  readonly answerFaults: { readonly node: string; readonly at: number; readonly count: number }[] = [];

  readonly #lastSettled = new Map<string, number>();

  /** Something was settled at this node just now. */
  settledAt(node: string): void {
    this.#lastSettled.set(node, performance.now());
  }

  /** Milliseconds since the last settlement at the node that has waited longest; 0 before the first. */
  stalledMs(): number {
    const times = [...this.#lastSettled.values()];
    return times.length === 0 ? 0 : performance.now() - Math.min(...times);
  }

  htlcsOf(hash: string): HtlcRecord[] {
    return (this.#byHash.get(hash) ?? []).map((key) => this.htlcs.get(key)!);
  }

  sent(htlc: HtlcRecord): void {
    if (this.htlcs.has(htlc.key)) return;
    this.htlcs.set(htlc.key, htlc);
    const keys = this.#byHash.get(htlc.hash);
    if (keys) keys.push(htlc.key);
    else this.#byHash.set(htlc.hash, [htlc.key]);
  }

  call(hash: string, call: AppCall): AppCall {
    const calls = this.calls.get(hash);
    if (calls) calls.push(call);
    else this.calls.set(hash, [call]);
    return call;
  }

  readonly #byHash = new Map<string, string[]>();
}
