/** The laws of design that one payment has to keep; the names stand in failure messages and in the mutant table. */
export type Law =
  /** S1: a preimage leaves only for exactly the parts of an acknowledged release, with the right sum. */
  | 'S1 authority'
  /** S2: what is sent was durable first, and one part never gets two different answers. */
  | 'S2 durable before sent'
  /** S3: at the write of the release and at the first settle, every part is there and no part is too late. */
  | 'S3 release barrier'
  /** S5: requested → released | aborted; nothing is given up after a settle was sent. */
  | 'S5 monotone'
  /** S7: only parts of the set are answered. */
  | 'S7 members only'
  /** S8: nothing follows from a write of unknown outcome, from a failed, a refused or a fenced one. */
  | 'S8 own acknowledgement'
  /** A set settles entirely or not at all. */
  | 'all or nothing'
  /** Each part is in exactly one set. */
  | 'one set per part'
  /** S10: one end per invoice; calls agree with what is durable. */
  | 'S10 exactly once visible'
  /** S12: an event that comes twice changes nothing the second time. */
  | 'S12 replay-neutral'
  /** S13: no secret in contexts, events or effects. */
  | 'S13 secrecy'
  /** A set is given up only for a reason that is true. */
  | 'true reasons'
  /** L1, L3, L4: when faults heal, everything is answered, final and recorded before its deadline. */
  | 'L1 everything ends'
  /** L2: a decided part is answered on each offer. */
  | 'L2 answered on each offer'
  /** L4: a requested set that can't be released any more is given up at once. */
  | 'L4 hopeless sets end'
  /** A call gets its answer. */
  | 'calls are answered'
  /** No guard or action throws. */
  | 'total';

/** A law was broken; `trace` is what happened until then. */
export class Violation extends Error {
  readonly law: Law;

  constructor(law: Law, detail: string, trace: readonly string[]) {
    super(`${law}: ${detail}\n  ${trace.join('\n  ')}`);
    this.law = law;
  }
}
