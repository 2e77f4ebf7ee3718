import { expect, test } from 'vitest';
import { ApplicationCalls } from '../../../src/actors/supervisor/applicationCalls.ts';
import type { PaymentHash, SetId } from '../../../src/domain/hash.ts';

const hash = 'aa'.repeat(32) as PaymentHash;
const setId = 'bb'.repeat(32) as SetId;

/** Calls on an invoice whose parts come while its row is read. */
function rig() {
  const asked: string[] = [];
  let entry: object | undefined;
  const answers = (result: string) => ({ wait: () => Promise.resolve({ result }), answerAll: () => {} });
  const world = {
    options: {
      autoSettle: false,
      store: {
        async invoicesByHash() {
          entry = { paymentHash: hash };
          return [];
        },
      },
    },
    settleCalls: answers('requested'),
    cancelCalls: answers('canceled'),
  };
  const actors = {
    get: () => entry,
    requestSettle: () => asked.push('settle'),
    requestCancel: () => asked.push('cancel'),
  };
  const dormant = { byHash: () => undefined };
  const access = { actors: () => actors, dormant };
  return { asked, calls: new ApplicationCalls(world as never, access as never) };
}

// Found by simulation (seed 111524): right after a start one settle call was OK, and one that had begun before it,
// while the parts were not offered yet, was told "not found" after that.
test('a call whose row is being read asks the actor that has come meanwhile', async () => {
  const settling = rig();
  expect(await settling.calls.settle(hash, setId)).toEqual({ result: 'requested' });
  expect(settling.asked).toEqual(['settle']);
  const cancelling = rig();
  expect(await cancelling.calls.cancel(hash, setId)).toEqual({ result: 'canceled' });
  expect(cancelling.asked).toEqual(['cancel']);
});
