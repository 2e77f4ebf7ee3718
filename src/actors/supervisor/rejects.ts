import type { PaymentHash } from '../../domain/hash.ts';
import type { PartId } from '../../domain/htlcKey.ts';
import type { EffectWorld } from './effects.ts';
import { htlcFields } from './logFields.ts';

/** Log, journal and count of an HTLC that could not become a part of anything. */
export function journalReject(
  { measures, clock, log, journal }: EffectWorld,
  paymentHash: PaymentHash,
  id: PartId,
  outcome: string,
): void {
  measures.rejectedHtlcs.add(outcome);
  log.debug({ hash: paymentHash, ...htlcFields(id), outcome }, 'Sending failed resolution');
  journal.append({
    machine: 'htlcSet',
    from: 'offered',
    event: 'htlc.rejected',
    to: 'rejected',
    paymentHash,
    setId: undefined,
    at: clock.now(),
    details: { htlc: id, outcome },
  });
}
