import { describe, expect, it } from 'vitest';
import type { OnionPeeler } from '../../src/actors/ports/onionPeeler.ts';
import type { HeldHtlcs } from '../../src/actors/supervisor/heldHtlcs.ts';
import { PassingRefusals } from '../../src/actors/supervisor/passingRefusals.ts';
import { createInlinePeeler } from '../../src/adapters/crypto/inlinePeeler.ts';
import type { PartId } from '../../src/domain/htlcKey.ts';
import { ALICE, IDENTITY_KEY, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { LIMITS, type Rig, startRig } from './rig.ts';

const CODE = { kind: 'code', code: 'temporary_channel_failure' };

/** Offered again on the same stream: the failure may be on its way to the payer already. */
async function again(rig: Rig, part: ReturnType<typeof testPart>) {
  rig.alice.offerAgain(part.id);
  await turns();
}

// Its failure could overtake the settlement of the others (S2): it must never become a member of a set.
describe('an HTLC that was refused for a reason that has passed', () => {
  it('of a limit is refused again, until its end', async () => {
    const rig = await startRig({ limits: { maxHeldHtlcs: 1 } });
    const invoice = testInvoice(10_000n);
    const holder = testPart(testInvoice(10_000n));
    const beyond = testPart(invoice);
    await rig.pay(holder, beyond);
    expect(rig.alice.answers).toEqual([{ ...CODE, id: beyond.id }]);
    rig.alice.resolve(holder.id, false);
    await rig.clock.advance(100);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0 });
    await again(rig, beyond);
    rig.alice.disconnect();
    rig.alice.connect();
    await turns();
    expect(rig.alice.answers).toHaveLength(3);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0 });
    expect(rig.accepted.map(({ paymentHash }) => paymentHash)).not.toContain(invoice.paymentHash);
    rig.alice.process();
    // Another one of the same invoice is another decision.
    await rig.pay(testPart(invoice));
    expect(rig.accepted.at(-1)).toMatchObject({ paymentHash: invoice.paymentHash });
  });

  it('of an onion worker that was away is refused again', async () => {
    const inline = createInlinePeeler(IDENTITY_KEY);
    let away = true;
    const peeler: OnionPeeler = {
      peel(request, done) {
        if (away) setImmediate(done, { ok: false, error: { code: 'peeler_unavailable' } });
        else inline.peel(request, done);
      },
      close: () => inline.close(),
    };
    const rig = await startRig({ peeler });
    const part = testPart(testInvoice(10_000n));
    await rig.pay(part);
    away = false;
    await again(rig, part);
    expect(rig.alice.answers).toEqual([
      { ...CODE, id: part.id },
      { ...CODE, id: part.id },
    ]);
    expect(rig.accepted).toEqual([]);
  });

  it('is forgotten when it has ended, and the oldest make room', () => {
    const held = { size: 0, countOf: () => 0 } as unknown as HeldHtlcs;
    const refusals = new PassingRefusals(LIMITS, held);
    const problemOf = (n: number) => refusals.problemOf(ALICE, `part ${n}` as PartId, 0);
    for (let n = 0; n <= 100_000; n++) refusals.remember(`part ${n}` as PartId, 'too_many_htlcs');
    expect([0, 1, 100_000, 100_001].map(problemOf)).toEqual([
      undefined,
      'too_many_htlcs',
      'too_many_htlcs',
      undefined,
    ]);
    refusals.ended('part 1' as PartId);
    expect(problemOf(1)).toBeUndefined();
  });
});
