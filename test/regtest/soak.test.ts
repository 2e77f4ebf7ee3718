import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InvoiceReport_State } from '../../src/generated/lnmux.ts';
import { SeededRandom } from '../../src/simulator/node/random.ts';
import { killDaemons } from '../e2e/daemon.ts';
import { parseOptions } from './options.ts';
import type { Payment } from './scenarios/cluster.ts';
import { Stage } from './scenarios/stage.ts';
import { SimulatedCluster } from './simulated/cluster.ts';
import { drawAttack } from './soak/attacks.ts';
import { judgeOne } from './soak/ledger.ts';
import { decisionFor } from './soak/shop.ts';
import { reportText, Soak } from './soak/soak.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-regtest-'));
// As root, the database runs as another user, who has to get through here.
chmodSync(dir, 0o755);

let stage: Stage | undefined;

afterAll(async () => {
  await stage?.stop();
  killDaemons();
  await stage?.cluster.stop();
  rmSync(dir, { recursive: true, force: true });
});

it('payments under attack on simulated nodes end as everybody says', { timeout: 300_000 }, async () => {
  stage = new Stage(await SimulatedCluster.start(dir), join(dir, 'lnmux'));
  const said: string[] = [];
  const plan = { forMs: 6_000, seed: 3, payers: 3 };
  const report = await new Soak(stage, plan, (text) => said.push(text)).run();
  expect(report.violations).toEqual([]);
  expect(report.settled).toBeGreaterThan(0);
  expect(report.attacks.size).toBeGreaterThan(0);
  expect(reportText(report)).toMatch(/settled, \d+ failed\n {2}\d+ × [\s\S]*\n0 violations$/);
});

describe('the judge of a payment', () => {
  const preimageHex = '11'.repeat(32);
  const invoice = { text: '', hash: Buffer.alloc(32), hashHex: '22'.repeat(32), preimageHex };
  const payment = (status: Payment['status'], preimage?: string): Payment => ({
    status,
    preimage,
    parts: [],
  });
  const { SETTLED, FAILED, OPEN, SETTLE_REQUESTED } = InvoiceReport_State;

  it.each([
    ['settled', preimageHex, SETTLED],
    ['failed', undefined, FAILED],
    ['failed', undefined, OPEN],
  ] as const)('has nothing to say of one that is %s', (status, preimage, state) => {
    expect(judgeOne(invoice, payment(status, preimage), { state })).toEqual([]);
  });

  it.each([
    ['partial', preimageHex, SETTLE_REQUESTED, /some parts were taken/],
    ['pending', undefined, OPEN, /never came to an end/],
    ['failed', undefined, SETTLED, /lnmux calls it settled/],
    ['settled', preimageHex, FAILED, /has paid, lnmux does not know/],
    ['settled', preimageHex, SETTLE_REQUESTED, /has paid, lnmux does not know/],
    ['settled', '33'.repeat(32), SETTLED, /no preimage/],
    ['settled', undefined, SETTLED, /no preimage/],
  ] as const)('finds one that is %s, with preimage %s, in state %d', (status, preimage, state, says) => {
    expect(judgeOne(invoice, payment(status, preimage), { state })).toEqual([expect.stringMatching(says)]);
  });
});

describe('what happens', () => {
  it('depends on the seed alone, and leaves no attack out', () => {
    const names = (seed: number) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 200 }, () => drawAttack(random).name);
    };
    expect(names(1)).toEqual(names(1));
    expect(names(1)).not.toEqual(names(2));
    expect(new Set(names(1)).size).toBe(5);
  });

  it('is settled mostly, and sometimes cancelled or forgotten', () => {
    const hashes = Array.from({ length: 100 }, (_, n) => n.toString(16).padStart(4, '0'));
    const count = (decision: string) => hashes.filter((hash) => decisionFor(hash) === decision).length;
    expect([count('settle'), count('cancel'), count('nothing')]).toEqual([80, 10, 10]);
  });

  it('is asked for in minutes', () => {
    expect(parseOptions(['--soak', '0.5', '--seed', '7'])).toMatchObject({ soakMinutes: 0.5, seed: 7 });
    expect(parseOptions([])).toMatchObject({ soakMinutes: 0, oldLnd: false });
    for (const wrong of ['ten', '', '-1']) {
      expect(() => parseOptions([`--soak=${wrong}`])).toThrow(`--soak=${wrong} should be a number`);
    }
  });
});
