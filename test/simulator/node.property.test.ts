import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { toHex } from '../../src/domain/hex.ts';
import { sha256 } from '../../src/lightning/crypto.ts';
import { circuitText } from '../../src/simulator/node/ledger.ts';
import type { Epoch, Htlc } from '../../src/simulator/node/types.ts';
import { answers, FakeClient, incoming, makeNode } from './coreFixture.ts';

const CHANNELS = [11n, 22n];

interface AnswerCommand {
  type: 'settle' | 'fail' | 'resume' | 'wrong';
  pick: number;
}

type Command =
  | { type: 'receive'; chan: number; blocks: number; dust: boolean }
  | AnswerCommand
  | { type: 'connect' | 'disconnect' | 'restart' }
  | { type: 'advance'; ms: number }
  | { type: 'mine'; blocks: number }
  | { type: 'relink' | 'unlink' | 'close'; chan: number };

const chan = fc.nat({ max: 1 });
const pick = fc.nat({ max: 30 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('receive'),
      chan,
      blocks: fc.integer({ min: 15, max: 60 }),
      dust: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom('settle', 'fail', 'resume', 'wrong'), pick }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('connect', 'disconnect', 'restart') }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('advance'), ms: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('mine'), blocks: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('relink', 'unlink'), chan }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('close'), chan }) },
) as fc.Arbitrary<Command>;

/** Drives a node with commands and checks after each what must hold at any time. */
class Driver {
  readonly made;
  readonly sent: Htlc[] = [];
  client: FakeClient | undefined;
  private readonly preimages = new Map<Htlc, Uint8Array>();

  constructor(epoch: Epoch, seed: number) {
    this.made = makeNode({ epoch }, { seed });
  }

  run(step: Command): void {
    const { node, timer } = this.made;
    if (step.type === 'receive') this.receive(step);
    else if (step.type === 'connect') this.connect();
    else if (step.type === 'disconnect') this.disconnect();
    else if (step.type === 'restart') this.restart();
    else if (step.type === 'advance') timer.advance(step.ms);
    else if (step.type === 'mine') node.mine(step.blocks);
    else if (step.type === 'relink') node.relink(CHANNELS[step.chan]!);
    else if (step.type === 'unlink') node.unlink(CHANNELS[step.chan]!);
    else if (step.type === 'close') node.forceClose(CHANNELS[step.chan]!);
    else this.answer(step as AnswerCommand);
    this.check();
  }

  private receive({ chan, blocks, dust }: Command & { type: 'receive' }): void {
    const preimage = sha256(Buffer.from(`${this.sent.length}`));
    try {
      const htlc = this.made.node.receive(
        incoming({
          chanId: CHANNELS[chan]!,
          senderRef: `${this.sent.length}`,
          paymentHash: toHex(sha256(preimage)) as PaymentHash,
          incomingExpiry: this.made.node.height + blocks,
          incomingAmountMsat: dust ? 1_000n : 1_000_000n,
        }),
      );
      this.sent.push(htlc);
      this.preimages.set(htlc, preimage);
    } catch (error) {
      // The channel is closed or its link down.
      if (!(error instanceof RangeError)) throw error;
    }
  }

  connect(): void {
    if (this.client) {
      expect(this.made.node.connect(new FakeClient())?.message).toBe('interceptor already exists');
      return;
    }
    this.client = new FakeClient();
    const held = this.heldNames();
    expect(this.made.node.connect(this.client)).toBeUndefined();
    // Everything that is held, each once.
    expect(this.client.offers.map(({ htlc }) => circuitText(htlc)).toSorted()).toEqual(held);
  }

  private heldNames(): string[] {
    return this.made.node
      .held()
      .map(({ htlc }) => circuitText(htlc))
      .toSorted();
  }

  private disconnect(): void {
    if (this.client) this.made.node.disconnect(this.client);
    this.client = undefined;
  }

  private restart(): void {
    this.made.node.restart();
    this.client = undefined;
    expect(this.made.recorded.outcomes.length).toBeLessThanOrEqual(this.sent.length);
  }

  private answer({ type, pick }: AnswerCommand): void {
    const { client } = this;
    const htlc = this.sent[pick % Math.max(1, this.sent.length)];
    if (!client || !htlc) return;
    const { node } = this.made;
    const wasHeld = this.heldNames().includes(circuitText(htlc));
    const wasOnChain = htlc.onChain;
    const answer =
      type === 'settle'
        ? answers.settle(htlc, this.preimages.get(htlc))
        : type === 'wrong'
          ? answers.settle(htlc, new Uint8Array(32))
          : type === 'fail'
            ? answers.fail(htlc)
            : answers.resume(htlc);
    const fault = node.answer(client, answer);
    // L holds an HTLC of a closed channel as if it were open.
    const allowed = type === 'settle' || (type !== 'wrong' && (!wasOnChain || node.settings.epoch === 'L'));
    if (!wasHeld) expect(fault).toBeDefined();
    else if (allowed && !(node.settings.epoch === 'L' && wasOnChain)) expect(fault).toBeUndefined();
    else if (!allowed) expect(fault).toBeDefined();
    if (!fault) return;
    expect(node.isIntercepted).toBe(false);
    this.client = undefined;
  }

  private check(): void {
    const { node, recorded } = this.made;
    for (const { autoFailHeight } of node.held()) {
      if (node.settings.epoch !== 'L') expect(autoFailHeight).toBeGreaterThan(node.height);
    }
    const told = recorded.outcomes.map(({ htlc }) => circuitText(htlc));
    expect(new Set(told).size).toBe(told.length);
    const finals = recorded.events.filter(({ kind }) => kind === 'final').map(circuitText);
    expect(new Set(finals).size).toBe(finals.length);
  }

  /** Peers come back, blocks go on: in the end everything is resolved. */
  drain(): void {
    const { node, timer } = this.made;
    for (const chanId of CHANNELS) node.relink(chanId);
    timer.advance(100);
    node.mine(100);
    timer.advance(100);
    node.mine(1);
  }
}

describe.each(['L', 'M', 'N'] as const)('epoch %s, any sequence', (epoch) => {
  it('gives every HTLC exactly one outcome and one final resolution', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), fc.nat(), (commands, seed) => {
        const driver = new Driver(epoch, seed);
        driver.connect();
        for (const step of commands) driver.run(step);
        driver.drain();
        const { node, recorded } = driver.made;
        // What L orphaned waits for its link to restart; the drain did that before the HTLC came back.
        const left = epoch === 'L' ? node.pending().length : 0;
        expect(recorded.outcomes.length).toBe(driver.sent.length - left);
        for (const { htlc, outcome } of recorded.outcomes) {
          const resolution = node.lookup(htlc);
          if ('code' in resolution) expect.fail('an outcome without a final resolution');
          // A preimage that went out over the link may still lose its HTLC on-chain, nothing else differs.
          if (outcome.kind !== 'settled' || outcome.onChain) {
            expect(resolution.settled).toBe(outcome.kind === 'settled');
          } else if (resolution.offchain) expect(resolution.settled).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is the same for the same seed and commands', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.nat(), (commands, seed) => {
        const [one, two] = [1, 2].map(() => {
          const driver = new Driver(epoch, seed);
          driver.connect();
          for (const step of commands) driver.run(step);
          return driver.made.recorded;
        });
        expect(two?.journal).toEqual(one?.journal);
        expect(two?.events).toEqual(one?.events);
      }),
      { numRuns: 30 },
    );
  });

  it('a killed process resolves every HTLC too, and tells no sender twice', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 50 }), fc.nat(), (commands, seed) => {
        const driver = new Driver(epoch, seed);
        driver.connect();
        for (const step of commands) driver.run(step);
        const { journal, outcomes } = driver.made.recorded;
        const after = makeNode({ epoch }, { journal, seed });
        after.timer.advance(100);
        after.node.mine(120);
        after.timer.advance(100);
        after.node.mine(1);
        const told = [...outcomes, ...after.recorded.outcomes].map(({ htlc }) => circuitText(htlc));
        expect(told.toSorted()).toEqual(driver.sent.map(circuitText).toSorted());
      }),
      { numRuns: 100 },
    );
  });
});
