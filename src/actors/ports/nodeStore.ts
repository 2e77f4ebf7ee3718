import type { NodeId } from '../../domain/hash.ts';
import type { BatchOutcome } from './decisionStore.ts';

/** The operator's order that a node gets no new payments. It outlives restarts and changes of the lead. */
export interface Drain {
  readonly nodeId: NodeId;
  /** Parts for invoices that are out there are refused as well. */
  readonly refusesParts: boolean;
  /** Unix milliseconds. */
  readonly since: number;
}

/** Since (included) and until (excluded) when parts were settled, in unix milliseconds; undefined: without bound. */
export interface Period {
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** What settled parts brought a node: the fees that its payers paid for the last hop. */
export interface NodeFees {
  readonly nodeId: NodeId;
  readonly feeMsat: bigint;
  /** What the parts paid towards invoices. */
  readonly amountMsat: bigint;
  readonly parts: bigint;
  /** Parts among them whose fee nobody wrote down (rows of the Go program and of versions before 7). */
  readonly partsWithoutFee: bigint;
}

/** What is remembered of nodes. */
export interface NodeStore {
  /**
   * Every order that stands, also for nodes that are not configured any more. Complete for whoever leads: no earlier
   * leader can write any more.
   */
  readDrains(): Promise<readonly Drain[]>;
  /** Fenced by `epoch`. An order that stands already keeps its `since`, which is what the result says. */
  drain(epoch: bigint, drain: Drain): Promise<BatchOutcome<Drain>>;
  /** Of every node that ever had a settled part. Reads all parts there are: seconds where there are many millions. */
  readFees(period: Period): Promise<readonly NodeFees[]>;
  /** Fenced by `epoch`. Ending an order that there is not is no fault. */
  undrain(epoch: bigint, nodeId: NodeId, at: number): Promise<BatchOutcome<never>>;
}
