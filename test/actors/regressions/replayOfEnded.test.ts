import { expect, test } from 'vitest';
import { LOOKUP_RETRY_MS } from '../../../src/actors/nodeLink/outcomeLookup.ts';
import { REPLAY_MS } from '../../../src/actors/nodeLink/replayDoubts.ts';
import { type HtlcResolution, LndError } from '../../../src/actors/ports/lndClient.ts';
import { offerOf } from '../../nodeLink/fakeLnd.ts';
import { OURS, rig, settle } from '../../nodeLink/rig.ts';

/*
 * Found by simulation (seeds 2511 and 4379): a set was failed, its HTLCs ended as dust when their channel was closed,
 * and that was recorded and forgotten. lnd still had them in its held set. A new leader took them for new, and
 * released a set of HTLCs that had ended long before.
 */

const ours = () => offerOf({ outgoingRequestedChanId: OURS });

/** A connected link whose look-ups wait for an answer. */
async function connected() {
  const r = rig();
  const answers: ((answer: HtlcResolution | LndError | undefined) => void)[] = [];
  const connection = await r.connect();
  r.lnd.lookup = () =>
    new Promise((resolve, reject) =>
      answers.push((answer) => (answer instanceof LndError ? reject(answer) : resolve(answer))),
    );
  return { r, connection, answers };
}

test('an HTLC that comes right after the connect is in doubt until lnd says that it is pending', async () => {
  const { r, connection, answers } = await connected();
  const offer = ours();
  connection.interceptor!.offered(offer);
  expect(r.offers).toHaveLength(1);
  expect(r.link.awaitsAnswer(offer.key)).toBe(true);
  expect(r.link.doubtful!(offer.key)).toBe(true);
  answers[0]!(undefined);
  await settle();
  expect(r.link.doubtful!(offer.key)).toBe(false);
  expect(r.link.awaitsAnswer(offer.key)).toBe(true);
});

test('one that has ended is reported, awaits no answer, and stays in doubt', async () => {
  const { r, connection, answers } = await connected();
  const offer = ours();
  connection.interceptor!.offered(offer);
  answers[0]!({ settled: false, offChain: false });
  await settle();
  expect(r.finals).toEqual([expect.objectContaining({ settled: false, offChain: false })]);
  expect(r.link.awaitsAnswer(offer.key)).toBe(false);
  expect(r.link.doubtful!(offer.key)).toBe(true);
});

test('a look-up that fails is repeated; it clears no doubt', async () => {
  const { r, connection, answers } = await connected();
  const offer = ours();
  connection.interceptor!.offered(offer);
  answers[0]!(new LndError('other', 'no'));
  await settle();
  expect(r.link.doubtful!(offer.key)).toBe(true);
  r.clock.advance(LOOKUP_RETRY_MS);
  expect(answers).toHaveLength(2);
  answers[1]!(undefined);
  await settle();
  expect(r.link.doubtful!(offer.key)).toBe(false);
});

test('later HTLCs are new, and those on chain are taken as they are: neither is looked up', async () => {
  const { r, connection, answers } = await connected();
  const onChain = { ...ours(), autoFailHeight: 200 };
  connection.interceptor!.offered(onChain);
  expect(answers).toHaveLength(0);
  connection.interceptor!.offered(ours());
  expect(answers).toHaveLength(1);
  r.clock.advance(REPLAY_MS);
  const offer = ours();
  connection.interceptor!.offered(offer);
  expect(answers).toHaveLength(1);
  expect(r.link.doubtful!(offer.key)).toBe(false);
  expect(r.link.doubtful!(onChain.key)).toBe(false);
});

test('the end of the connection ends the look-ups', async () => {
  const { r, connection, answers } = await connected();
  const offer = ours();
  connection.interceptor!.offered(offer);
  connection.interceptor!.closed(new LndError('unavailable', 'gone'));
  answers[0]!({ settled: false, offChain: true });
  await settle();
  expect(r.finals).toEqual([]);
  expect(r.link.doubtful!(offer.key)).toBe(false);
});
