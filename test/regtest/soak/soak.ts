import { decodeInvoice } from '../../../src/lightning/bolt11.ts';
import { SeededRandom } from '../../../src/simulator/node/random.ts';
import type { Issued } from '../../e2e/application.ts';
import { NODE_NAMES, type PartPlan } from '../scenarios/cluster.ts';
import { eventually, pause } from '../scenarios/eventually.ts';
import type { Stage } from '../scenarios/stage.ts';
import { drawAttack } from './attacks.ts';
import { type Entry, judge } from './ledger.ts';
import { Shop } from './shop.ts';

export interface SoakPlan {
  readonly forMs: number;
  readonly seed: number;
  /** Payments that are under way at a time. */
  readonly payers: number;
}

export interface SoakReport {
  readonly settled: number;
  readonly failed: number;
  readonly htlcs: number;
  /** How often each attack was made. */
  readonly attacks: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
}

const LONGEST_PEACE_MS = 4_000;
const AFTER_FAILURE_MS = 200;
const PROGRESS_MS = 30_000;
const SETTLING_MS = 10_000;
/** Odd amounts, so that sums tell which are meant. */
const LEAST_MSAT = 1_000_001n;

/** Payments without end, while things are killed; then what everybody's books say. */
export class Soak {
  readonly #stage: Stage;
  readonly #plan: SoakPlan;
  readonly #say: (text: string) => void;
  readonly #random: SeededRandom;
  readonly #entries: Entry[] = [];
  readonly #attacks = new Map<string, number>();
  #isOver = false;

  constructor(stage: Stage, plan: SoakPlan, say: (text: string) => void) {
    this.#stage = stage;
    this.#plan = plan;
    this.#say = say;
    this.#random = new SeededRandom(plan.seed);
  }

  async run(): Promise<SoakReport> {
    const stage = this.#stage;
    await stage.prepare('short');
    const before = await stage.receivedMsat();
    const shop = new Shop(stage);
    shop.open();
    const payers = Array.from({ length: this.#plan.payers }, () => this.#payer());
    await Promise.race([this.#attack(), Promise.all(payers)]);
    this.#isOver = true;
    this.#say('no more attacks; waiting for what is under way');
    await Promise.all(payers);
    await stage.atRest();
    await shop.close();
    let violations: readonly string[] = ['the books could not be read'];
    // Balances follow the last HTLC by a moment.
    await eventually('the books to agree', SETTLING_MS, async () => {
      violations = await judge(stage, this.#entries, (await stage.receivedMsat()) - before);
      return violations.length === 0;
    }).catch(() => {});
    return this.#report(violations);
  }

  async #attack(): Promise<void> {
    const end = performance.now() + this.#plan.forMs;
    let told = performance.now();
    while (performance.now() < end) {
      await pause(this.#random.below(LONGEST_PEACE_MS));
      const attack = drawAttack(this.#random);
      await attack.run(this.#stage, this.#random);
      this.#attacks.set(attack.name, (this.#attacks.get(attack.name) ?? 0) + 1);
      if (performance.now() - told < PROGRESS_MS) continue;
      told = performance.now();
      const left = Math.max(0, Math.round((end - told) / 1_000));
      this.#say(`${this.#entries.length} payments over, ${left} s to go`);
    }
  }

  async #payer(): Promise<void> {
    while (!this.#isOver) {
      const amountMsat = LEAST_MSAT + BigInt(this.#random.below(1_000_000));
      // While lnmuxd is away no invoice is to be had.
      const invoice = await this.#stage.app.invoice(amountMsat).catch(() => undefined);
      if (invoice) {
        const payment = await this.#stage.cluster.payer.send(invoice.text, this.#parts(invoice, amountMsat));
        this.#entries.push({ invoice, payment });
      } else await pause(AFTER_FAILURE_MS);
    }
  }

  /** Through one of the nodes that the invoice names, or through both. */
  #parts({ text }: Issued, amountMsat: bigint): PartPlan[] {
    const hinted = decodeInvoice(text).hints.map(([hint]) => hint?.nodeId as string | undefined);
    const names = NODE_NAMES.filter((name) =>
      hinted.includes(this.#stage.cluster.nodes[name].connection.pubkey),
    );
    if (names.length > 1 && this.#random.below(2) === 0) {
      const first = 1n + BigInt(this.#random.below(Number(amountMsat) - 1));
      return [
        { through: names[0]!, amountMsat: first },
        { through: names[1]!, amountMsat: amountMsat - first },
      ];
    }
    return [{ through: names[this.#random.below(names.length)]!, amountMsat }];
  }

  #report(violations: readonly string[]): SoakReport {
    const count = (status: string) => this.#entries.filter(({ payment }) => payment.status === status).length;
    const htlcs = this.#entries.reduce((sum, { payment }) => sum + payment.parts.length, 0);
    return { settled: count('settled'), failed: count('failed'), htlcs, attacks: this.#attacks, violations };
  }
}

export function reportText({ settled, failed, htlcs, attacks, violations }: SoakReport): string {
  const lines = [
    `${settled + failed} payments in ${htlcs} HTLCs: ${settled} settled, ${failed} failed`,
    ...[...attacks].map(([name, count]) => `  ${count} × ${name}`),
    `${violations.length} violations`,
    ...violations.map((text) => `  ${text}`),
  ];
  return lines.join('\n');
}
