import { setIdOf } from '../../domain/setId.ts';
import type { Decision } from '../ports/decisionStore.ts';
import type { DormantDecisions } from './dormant.ts';
import type { EffectWorld } from './effects.ts';
import type { HeldPart } from './entries.ts';

/** After a database that did not take the decision. */
const TRY_AGAIN_MS = 1_000;
const NO_ONION = new Uint8Array(0);

/**
 * Refuses parts for what they came over: a node that is being drained. The failure is the node's own, so that the payer
 * tries another one; the invoice itself may be paid.
 *
 * It is a decision like any other, durable before it is said. The order to drain may end while the failure is on its
 * way to lnd: a part that was refused must never become a member of a set, or its failure could overtake the settlement
 * of the others.
 */
export class PartRefusals {
  readonly #world: EffectWorld;
  readonly #dormant: DormantDecisions;

  constructor(world: EffectWorld, dormant: DormantDecisions) {
    this.#world = world;
    this.#dormant = dormant;
  }

  /** Refuses a held part that belongs to no set yet. `again` is called when nothing could be decided. */
  refuse(held: HeldPart, again: () => unknown): void {
    const { clock, decisions, log } = this.#world;
    decisions.submit(this.#decisionOf(held), (outcome) => {
      switch (outcome.kind) {
        case 'failed':
          clock.setTimeout(() => {
            if (this.#world.held.get(held.part.id) === held) again();
          }, TRY_AGAIN_MS);
          return;
        case 'done':
          if (outcome.result.outcome === 'committed') return this.#tell(held);
          log.error(
            { hash: held.paymentHash, htlc: held.part.id, because: outcome.result.because },
            'Refusal of a part contradicts what is stored: it is left to its node',
          );
          return;
        case 'ambiguous':
        case 'fenced':
          return;
      }
    });
  }

  #decisionOf({ part, paymentHash }: HeldPart): Decision {
    const { key, amountMsat, autoFailHeight, cltvExpiry } = part;
    const reason = 'node_draining';
    return {
      kind: 'fail',
      paymentHash,
      setId: setIdOf([key]),
      at: this.#world.clock.now(),
      line: {
        machine: 'htlcSet',
        from: 'offered',
        event: 'part.refused',
        to: 'failed',
        details: { node: key.nodeId, chanId: String(key.chanId), htlcId: String(key.htlcId), reason },
      },
      parts: [{ key, amountMsat, autoFailHeight, cltvExpiry, reason, failureOnion: NO_ONION }],
    };
  }

  /** Durable: now the node may fail it, and every replay gets the same answer until its end is recorded. */
  #tell({ part, paymentHash }: HeldPart): void {
    const { held, links, log, measures } = this.#world;
    const { id, key, autoFailHeight } = part;
    held.release(id);
    held.decided(key, id);
    const setId = setIdOf([key]);
    const fail = { key, paymentHash, setId, reason: 'node_draining', failureOnion: NO_ONION } as const;
    this.#dormant.rememberFail({ ...fail, autoFailHeight });
    measures.failedHtlcs.add('node_draining');
    const sent = links.get(key.nodeId)?.failWithCode(key, 'temporary_channel_failure') ?? false;
    log.debug({ hash: paymentHash, htlc: id, outcome: 'node_draining', sent }, 'Sending failed resolution');
  }
}
