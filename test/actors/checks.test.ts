import { describe, expect, it } from 'vitest';
import { encodeFinalPayload } from '../../src/lightning/finalPayload.ts';
import { concat, writeTlvStream, writeTruncatedUint } from '../../src/lightning/tlv.ts';
import { ALICE, BOB, type PartChoices, type TestPart, testInvoice, testPart } from '../support/payments.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';
import { type Rig, type RigOptions, startRig } from './rig.ts';

const HEIGHT = 1_000;
const AMOUNT = 10_000n;

/** What the payer of a failed HTLC finds: what lnd says by itself, or our message once its onion is decrypted. */
function failureOf(rig: Rig, part: TestPart): unknown {
  const answers = [...rig.alice.answersTo(part.id), ...rig.bob.answersTo(part.id)];
  expect(answers).toHaveLength(1);
  const [answer] = answers;
  if (answer?.kind === 'code') return answer.code;
  if (answer?.kind !== 'fail') throw new Error('not failed');
  return part.read(answer.onion);
}

/** Why, as the log and the events table have it. */
async function outcomeOf(rig: Rig, part: TestPart): Promise<unknown> {
  await rig.clock.advance(200);
  const logged = rig.log.ofHtlc(part.id).find(({ fields }) => fields.outcome !== undefined);
  const events = await rig.session.eventsByHash(part.offer.paymentHash);
  const recorded = events.map(({ details }) => details?.outcome ?? details?.reason).filter(Boolean);
  expect(recorded).toContain(logged?.fields.outcome);
  return logged?.fields.outcome;
}

const unknownDetails = { code: 0x400f, amountMsat: AMOUNT, height: HEIGHT };

interface Row {
  readonly check: string;
  readonly part: PartChoices;
  readonly rig?: RigOptions;
  readonly expiresAt?: number;
  readonly answer: unknown;
  readonly outcome: string;
}

/** Each fails at its own check and would fail at every later one of the same kind, so that the order shows. */
const ROWS: Row[] = [
  {
    check: 'fee: one msat short of base plus parts per million',
    part: { incomingAmountMsat: 11_099n, outgoingExpiry: 1_040, incomingExpiry: 1_079 },
    answer: 'temporary_channel_failure',
    outcome: 'fee_insufficient',
  },
  {
    check: 'fee of an amount near 2^64 does not wrap',
    part: { outgoingAmountMsat: 2n ** 64n - 1n, incomingAmountMsat: 2n ** 64n - 1n },
    answer: 'temporary_channel_failure',
    outcome: 'fee_insufficient',
  },
  {
    check: 'cltv delta: one block short',
    part: { incomingExpiry: 1_079, outgoingExpiry: 1_040, payloadExpiry: 1_041 },
    answer: 'temporary_channel_failure',
    outcome: 'incorrect_cltv_expiry',
  },
  {
    check: 'an expiry near 2^32 does not wrap',
    part: { outgoingExpiry: 2 ** 32 - 10, incomingExpiry: 2 ** 32 - 1, autoFailHeight: 1_061 },
    answer: 'temporary_channel_failure',
    outcome: 'expiry_too_far',
  },
  {
    check: 'payload parses: nothing but an unknown even type',
    part: { payload: writeTlvStream([{ type: 10n, value: new Uint8Array(1) }]) },
    answer: { code: 0x4016, tlvType: 10n, offset: 0 },
    outcome: 'invalid_onion_payload',
  },
  {
    check: 'payload parses: no amount',
    part: { payload: writeTlvStream([{ type: 4n, value: writeTruncatedUint(1_040n) }]) },
    answer: { code: 0x4016, tlvType: 2n, offset: 0 },
    outcome: 'invalid_onion_payload',
  },
  {
    check: 'payload parses: not a TLV stream at all',
    part: { payload: Uint8Array.of(0xff, 0xff, 0xff) },
    answer: { code: 0x4016 },
    outcome: 'invalid_onion_payload',
  },
  {
    check: 'payload parses: a next hop is not for us',
    part: {
      payload: concat([
        encodeFinalPayload({ amountMsat: AMOUNT, cltvExpiry: 1_040 }),
        writeTlvStream([{ type: 6n, value: new Uint8Array(8) }]),
      ]),
    },
    answer: { code: 0x4016, tlvType: 6n },
    outcome: 'invalid_onion_payload',
  },
  {
    check: 'amount: less than the payload asks for',
    part: { outgoingAmountMsat: AMOUNT - 1n, payloadExpiry: 1_041 },
    answer: { code: 0x0013, amountMsat: AMOUNT - 1n },
    outcome: 'final_incorrect_htlc_amount',
  },
  {
    check: 'expiry: earlier than the payload asks for',
    part: { payloadExpiry: 1_041, keysend: true },
    answer: { code: 0x0012, cltvExpiry: 1_040 },
    outcome: 'final_incorrect_cltv_expiry',
  },
  {
    check: 'payment_data is there',
    part: { keysend: true },
    answer: unknownDetails,
    outcome: 'htlc_invoice_type_mismatch',
  },
  {
    check: 'payment address: another one',
    part: { paymentAddr: new Uint8Array(32), totalMsat: 0n },
    answer: unknownDetails,
    outcome: 'address_mismatch',
  },
  {
    check: 'total: zero',
    part: { totalMsat: 0n },
    answer: unknownDetails,
    outcome: 'htlc_set_total_too_low',
  },
  {
    check: 'total: below the invoice amount',
    part: { totalMsat: AMOUNT - 1n },
    answer: unknownDetails,
    outcome: 'htlc_set_total_too_low',
  },
  {
    check: 'total: above twice the invoice amount',
    part: { totalMsat: AMOUNT * 2n + 1n },
    answer: unknownDetails,
    outcome: 'htlc_set_total_mismatch',
  },
  {
    check: 'total with exactAmount: below',
    part: { totalMsat: AMOUNT - 1n },
    rig: { rules: { exactAmount: true } },
    answer: unknownDetails,
    outcome: 'htlc_set_total_mismatch',
  },
  {
    check: 'total with exactAmount: above',
    part: { totalMsat: AMOUNT + 1n },
    rig: { rules: { exactAmount: true } },
    answer: unknownDetails,
    outcome: 'htlc_set_total_mismatch',
  },
  {
    check: 'amount: zero',
    part: { amountMsat: 0n, outgoingAmountMsat: 0n, incomingAmountMsat: 2_000n },
    answer: { code: 0x400f, amountMsat: 0n, height: HEIGHT },
    outcome: 'amount_too_low',
  },
  {
    check: 'invoice expiry, before everything that the moment decides',
    part: { amountMsat: AMOUNT * 3n, outgoingExpiry: 1_009 },
    rig: { subscribed: false, subscriberGraceMs: 0 },
    expiresAt: 1_700_000_000,
    answer: { ...unknownDetails, amountMsat: AMOUNT * 3n },
    outcome: 'invoice_expired',
  },
  {
    check: 'overpayment: a part of more than twice the amount',
    part: { amountMsat: AMOUNT * 2n + 1n, outgoingExpiry: 1_009 },
    rig: { subscribed: false, subscriberGraceMs: 0 },
    answer: { ...unknownDetails, amountMsat: AMOUNT * 2n + 1n },
    outcome: 'htlc_set_overpayment',
  },
  {
    check: 'overpayment with exactAmount: one msat',
    part: { amountMsat: AMOUNT + 1n },
    rig: { rules: { exactAmount: true } },
    answer: { ...unknownDetails, amountMsat: AMOUNT + 1n },
    outcome: 'htlc_set_overpayment',
  },
  {
    check: 'expiry too soon: one block short of the reject delta',
    part: { outgoingExpiry: 1_009 },
    rig: { subscribed: false, subscriberGraceMs: 0 },
    answer: unknownDetails,
    outcome: 'expiry_too_soon',
  },
  {
    check: 'expiry too soon: its node gives it back within the margin',
    part: { autoFailHeight: HEIGHT + 6 },
    rig: { subscribed: false, subscriberGraceMs: 0 },
    answer: unknownDetails,
    outcome: 'expiry_too_soon',
  },
  {
    check: 'expiry too far: nobody holds money for so long',
    part: { outgoingExpiry: HEIGHT + 2_017 },
    rig: { subscribed: false, subscriberGraceMs: 0 },
    answer: unknownDetails,
    outcome: 'expiry_too_far',
  },
  {
    check: 'no subscriber',
    part: {},
    rig: { subscribed: false, subscriberGraceMs: 0 },
    answer: unknownDetails,
    outcome: 'no_accept_subscriber',
  },
];

describe('checks of an offered HTLC', () => {
  it.each(ROWS)('$check', async ({ part: choices, rig: options, expiresAt, answer, outcome }) => {
    const rig = await startRig(options);
    const part = testPart(testInvoice(AMOUNT, expiresAt), choices);
    await rig.pay(part);
    const found = failureOf(rig, part);
    if (typeof answer === 'string') expect(found).toBe(answer);
    else expect(found).toMatchObject(answer as object);
    expect(await outcomeOf(rig, part)).toBe(outcome);
    expect(rig.accepted).toHaveLength(0);
  });

  it.each<[string, (onion: Uint8Array) => Uint8Array, string]>([
    ['length', (onion) => onion.subarray(0, 1_365), 'invalid_onion_key'],
    ['version', (onion) => onion.with(0, 1), 'invalid_onion_version'],
    ['key', (onion) => onion.with(1, 9), 'invalid_onion_key'],
    ['HMAC', (onion) => onion.with(1_340, onion[1_340]! ^ 1), 'invalid_onion_hmac'],
    ['nothing', () => new Uint8Array(0), 'invalid_onion_key'],
  ])('onion: a wrong %s is answered with a BADONION code', async (_name, garble, code) => {
    const rig = await startRig();
    const part = testPart(testInvoice(AMOUNT));
    await rig.pay({ ...part, offer: { ...part.offer, onionBlob: garble(part.offer.onionBlob) } });
    expect(failureOf(rig, part)).toBe(code);
  });

  it('an onion made for another payment hash has a wrong HMAC', async () => {
    const rig = await startRig();
    const part = testPart(testInvoice(AMOUNT));
    const other = testInvoice(AMOUNT);
    await rig.pay({ ...part, offer: { ...part.offer, paymentHash: other.paymentHash } });
    expect(failureOf(rig, part)).toBe('invalid_onion_hmac');
  });

  it.each<[string, PartChoices, RigOptions?]>([
    ['fee to the msat', { incomingAmountMsat: 11_100n }],
    ['cltv delta to the block', { outgoingExpiry: 1_040, incomingExpiry: 1_080 }],
    [
      'more than the payload asks, later than it asks',
      { amountMsat: AMOUNT, outgoingAmountMsat: AMOUNT + 1n, payloadExpiry: 1_039 },
    ],
    ['a total of twice the amount', { amountMsat: AMOUNT * 2n, totalMsat: AMOUNT * 2n }],
    ['one part of twice the amount', { amountMsat: AMOUNT * 2n }],
    ['exactly the reject delta', { outgoingExpiry: 1_010, autoFailHeight: 1_030 }],
    ['one block outside of the margin', { autoFailHeight: HEIGHT + 7 }],
    ['as far as allowed', { outgoingExpiry: HEIGHT + 2_016 }],
    ['an alias channel id of 2^63 and more', { chanId: 2n ** 64n - 2n, htlcId: 2n ** 64n - 1n }],
    ['the exact amount with exactAmount', {}, { rules: { exactAmount: true } }],
    ['within the grace after the start', {}, { subscribed: false }],
    ['nobody needed with auto-settle', {}, { subscribed: false, subscriberGraceMs: 0, autoSettle: true }],
  ])('taken: %s', async (_name, choices, options) => {
    const rig = await startRig(options);
    const part = testPart(testInvoice(AMOUNT), choices);
    await rig.pay(part);
    expect(rig.alice.answersTo(part.id).filter((a) => a.kind !== 'settle')).toEqual([]);
    expect(rig.supervisor.stats().heldHtlcs).toBe(1);
  });

  it('the height in a failure is that of the receipt, also when it is answered later', async () => {
    const rig = await startRig();
    const part = testPart(testInvoice(AMOUNT));
    await rig.pay(part);
    rig.alice.block(HEIGHT + 5);
    await rig.clock.advance(120_000);
    expect(failureOf(rig, part)).toMatchObject(unknownDetails);
    expect(await outcomeOf(rig, part)).toBe('accept_timeout');
  });

  it('nothing of a stranger reaches the database: the secret is checked first', async () => {
    const rig = await startRig();
    const invoice = testInvoice(AMOUNT);
    await rig.pay(
      testPart(invoice, { keysend: true }),
      testPart(invoice, { paymentAddr: new Uint8Array(32) }),
      testPart(invoice, { totalMsat: 1n }),
      testPart(invoice, { payload: Uint8Array.of(1) }),
      testPart(invoice, { incomingAmountMsat: 1n }),
    );
    expect(rig.alice.answers).toHaveLength(5);
    expect(rig.session.reads).toBe(0);
    expect(rig.session.batches).toHaveLength(0);
  });

  it('one bad HTLC among good ones fails alone', async () => {
    const rig = await startRig();
    const good = testInvoice(AMOUNT);
    const bad = testPart(testInvoice(AMOUNT), { payload: Uint8Array.of(0xfd) });
    const first = testPart(good, { amountMsat: 5_000n });
    const second = testPart(good, { amountMsat: 5_000n, nodeId: BOB });
    await rig.pay(first, bad, second);
    expect(rig.accepted).toMatchObject([{ paymentHash: good.paymentHash }]);
    expect(failureOf(rig, bad)).toMatchObject({ code: 0x4016 });
  });

  it('a limit on held HTLCs, of all and of one node, is refused by the node itself', async () => {
    const rig = await startRig({ limits: { maxHeldHtlcs: 3, maxHeldHtlcsPerNode: 2 } });
    const hold = (nodeId = ALICE) => testPart(testInvoice(AMOUNT), { nodeId });
    const parts = [hold(), hold(), hold(), hold(BOB), hold(BOB)];
    for (const part of parts) await rig.pay(part);
    const codes = [...rig.alice.answers, ...rig.bob.answers].map((a) => a.kind === 'code' && a.code);
    expect(codes).toEqual(['temporary_channel_failure', 'temporary_channel_failure']);
    expect(await outcomeOf(rig, parts[2]!)).toBe('too_many_htlcs_of_node');
    expect(await outcomeOf(rig, parts[4]!)).toBe('too_many_htlcs');
  });

  it('parts of a set are limited', async () => {
    const rig = await startRig({ rules: { maxPartsPerSet: 2 } });
    const invoice = testInvoice(AMOUNT);
    const parts = [1, 2, 3].map(() => testPart(invoice, { amountMsat: 1_000n }));
    await rig.pay(...parts);
    expect(rig.alice.answers).toHaveLength(1);
    expect(await outcomeOf(rig, parts[2]!)).toBe('too_many_htlcs');
  });

  it('an earlier routing policy counts until its day is over, and as a whole', async () => {
    // Of today: 1,000 msat and 10,000 ppm, 40 blocks.
    const clock = new SimulatedClock();
    const until = clock.now() + 3_600_000;
    const cheap = { feeBaseMsat: 0, feeRatePpm: 0, cltvDelta: 80, until };
    const dear = { feeBaseMsat: 5_000, feeRatePpm: 0, cltvDelta: 20, until };
    const rig = await startRig({ clock, previousPolicies: [cheap, dear] });
    const invoice = testInvoice(AMOUNT * 10n, Math.floor(until / 1000) + 86_400);
    const partOf = (fee: bigint, delta: number) =>
      testPart(invoice, {
        amountMsat: AMOUNT,
        incomingAmountMsat: AMOUNT + fee,
        incomingExpiry: 1_040 + delta,
        outgoingExpiry: 1_040,
      });
    const good = [partOf(1_100n, 40), partOf(0n, 80), partOf(5_000n, 20)];
    await rig.pay(...good);
    expect(rig.supervisor.stats().heldHtlcs).toBe(3);
    const bad = [partOf(1_099n, 79), partOf(4_999n, 39), partOf(0n, 40)];
    await rig.pay(...bad);
    expect(await outcomeOf(rig, bad[0]!)).toBe('fee_insufficient');
    expect(await outcomeOf(rig, bad[1]!)).toBe('incorrect_cltv_expiry');
    expect(await outcomeOf(rig, bad[2]!)).toBe('fee_insufficient');
    await clock.advance(until - clock.now());
    const late = partOf(0n, 80);
    await rig.pay(late);
    expect(await outcomeOf(rig, late)).toBe('fee_insufficient');
  });

  it('a part that declares another total than its set is refused, the set stays', async () => {
    const rig = await startRig();
    const invoice = testInvoice(AMOUNT);
    const first = testPart(invoice, { amountMsat: 5_000n });
    const odd = testPart(invoice, { amountMsat: 6_000n, totalMsat: AMOUNT + 1_000n });
    const last = testPart(invoice, { amountMsat: 5_000n });
    await rig.pay(first, odd);
    expect(await outcomeOf(rig, odd)).toBe('htlc_set_total_mismatch');
    await rig.pay(last);
    expect(rig.accepted).toHaveLength(1);
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'requested' });
    expect(rig.alice.answersTo(first.id)).toMatchObject([{ kind: 'settle' }]);
    expect(rig.alice.answersTo(last.id)).toMatchObject([{ kind: 'settle' }]);
  });

  it('a complete set is frozen: a further part is refused, nothing is announced again', async () => {
    const rig = await startRig();
    const invoice = testInvoice(AMOUNT);
    const late = testPart(invoice, { amountMsat: 1n });
    await rig.pay(testPart(invoice), late);
    expect(failureOf(rig, late)).toMatchObject({ code: 0x400f, amountMsat: 1n, height: HEIGHT });
    expect(await outcomeOf(rig, late)).toBe('invoice_not_open');
    expect(rig.accepted).toHaveLength(1);
  });
});
