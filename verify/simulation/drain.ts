import type { PartId } from '../../src/domain/htlcKey.ts';
import type { TruePart } from './ledger.ts';
import type { LndNode } from './lndNode.ts';
import type { World } from './run.ts';

/** Longest simulated time for everything off chain to end once the faults have: slots, backoffs, holds, timeouts. */
const DRAIN_MS = 240_000;
const BLOCK_EVERY_MS = 4_000;
const MOST_BLOCKS = 150;

/**
 * Liveness: the faults end, everything reconnects, no block is mined, and every HTLC must end at every node, and
 * every row in the database. What is on chain then gets its blocks. At last a new leader must find nothing to do.
 */
export async function drain(world: World): Promise<void> {
  heal(world);
  const { scheduler, ledger, nodes, database } = world;
  const over = () => ledger.violation !== undefined;
  const offChainDone = () => nodes.every((node) => pending(node, false).length === 0) && rowsDone(world);
  await scheduler.run(scheduler.now + DRAIN_MS, () => over() || offChainDone());
  if (over()) return;
  const left = nodes.flatMap((node) => pending(node, false).map((id) => describe(world, id)));
  if (left.length > 0)
    return ledger.violate('L1', `not ended ${DRAIN_MS} ms after the faults did: ${left.join(', ')}`);
  await mineTheRest(world, over);
  if (over()) return;
  checkRows(world, 'L3');
  if (over()) return;
  await startOnceMore(world, over);
  if (over()) return;
  checkRows(world, 'L3 after a restart');
  if (database.state.fails.size > 0) {
    ledger.violate(
      'L3',
      `failures still recorded: ${[...database.state.fails.keys()].map((id) => describe(world, id)).join(', ')}`,
    );
  }
  checkMoney(world);
  checkGoodput(world);
}

/** Where nothing is in the way, an ordinary payment arrives: safety alone would be content with refusing them all. */
function checkGoodput({ plan, payer, database, ledger, counters }: World): void {
  if (plan.faults.length > 0 || plan.blockMs < 60_000) return;
  for (const { plan: payment, hash } of payer.byHash.values()) {
    const { label, at, parts, intention, expirySecs, amountMsat, totalMsat } = payment;
    const sum = parts.reduce((total, part) => total + part.amountMsat, 0n);
    const ordinary = parts.every((part) => part.kind === 'good' && part.blocks > 12 && part.delayMs < 5_000);
    if (!ordinary || sum !== totalMsat || totalMsat < amountMsat || at > plan.activeMs - 10_000) continue;
    // In auto-settle mode the application cancels what it hears of, for the race.
    if (plan.autoSettle || !intention.startsWith('settle') || expirySecs < 60) continue;
    counters.hit('liveness.ordinaryPayment');
    const status = database.state.invoices.get(hash)?.status;
    if (status !== 'SETTLED')
      ledger.violate('L0', `${label}: an ordinary payment is ${status ?? 'not requested'}`);
  }
}

function heal({ nemesis, database, app, payer, nodes, hosts }: World): void {
  payer.stop();
  nemesis.heal();
  database.heal();
  app.heal();
  for (const host of hosts) host.start();
  for (const node of nodes) {
    for (const chanId of node.channels) node.core.relink(chanId);
  }
}

/** HTLCs of a node that have not ended, on chain or off. */
function pending(node: LndNode, onChain: boolean): PartId[] {
  return node.core
    .pending()
    .filter(({ htlc }) => htlc.onChain === onChain)
    .map(({ htlc }) => `${node.nodeId}:${htlc.chanId}:${htlc.htlcId}` as PartId);
}

/** Whether each row that waits only for parts off chain has ended. */
function rowsDone({ database, ledger }: World): boolean {
  const ended = (id: PartId) => ledger.parts.get(id)?.final !== undefined;
  for (const row of database.state.invoices.values()) {
    if (row.status === 'SETTLE_REQUESTED' && [...row.members.keys()].every(ended)) return false;
  }
  return true;
}

/** Claims confirm with a block; what nobody claims runs into its expiry. */
async function mineTheRest({ scheduler, ledger, nodes, mine }: World, over: () => boolean): Promise<void> {
  for (let blocks = 0; nodes.some((node) => pending(node, true).length > 0); blocks += 1) {
    if (blocks === MOST_BLOCKS) return ledger.violate('L1', 'HTLCs on chain do not end');
    mine(1);
    await scheduler.run(scheduler.now + BLOCK_EVERY_MS, over);
    if (over()) return;
  }
  await scheduler.run(scheduler.now + 120_000, over);
}

async function startOnceMore({ scheduler, hosts, database }: World, over: () => boolean): Promise<void> {
  for (const host of hosts) host.crash({ host: false, restartMs: 10 });
  const { state } = database;
  await scheduler.run(
    scheduler.now + 60_000,
    () => over() || (state.fails.size === 0 && hosts.some((h) => h.supervisor)),
  );
}

function checkRows(world: World, invariant: string): void {
  for (const row of world.database.state.invoices.values()) {
    if (row.status !== 'SETTLE_REQUESTED') continue;
    const members = [...row.members.keys()].map((id) => describe(world, id));
    world.ledger.violate(invariant, `${nameOf(world, row.hash)} has not ended: ${members.join(', ')}`);
  }
}

/** What payers have paid is what the database says, and whole sets were paid or nothing, but for the residual. */
function checkMoney(world: World): void {
  const { database, ledger, payer, counters } = world;
  const paid = new Map<string, bigint>();
  for (const part of ledger.parts.values()) {
    if (part.kind === 'foreign') continue;
    if (part.final?.settled) paid.set(part.paymentHash, (paid.get(part.paymentHash) ?? 0n) + part.amountMsat);
    const hasPreimage = part.outcome?.kind === 'settled';
    if (hasPreimage === (part.final?.settled ?? false)) continue;
    // The preimage was signed for, but the channel was closed first, and dust has no output there.
    if (hasPreimage && part.final?.offchain === false) counters.hit('residual.dustLostThoughPaid');
    else ledger.violate('S9', `${part.label}: its payer and its node do not agree on its end`);
  }
  for (const payment of payer.byHash.values()) {
    const row = database.state.invoices.get(payment.hash);
    const settled = row?.settledMsat ?? 0n;
    const received = paid.get(payment.hash) ?? 0n;
    const { label } = payment.plan;
    if (settled !== received)
      ledger.violate('S9', `${label}: payers paid ${received}, the database says ${settled}`);
    const members = ledger.membersOf(payment.hash).map((id) => ledger.parts.get(id)!);
    const due = members.reduce((sum, part) => sum + part.amountMsat, 0n);
    if (received === 0n || received === due) continue;
    counters.hit('residual.partiallySettled');
    if (row?.cause !== 'partially_settled')
      ledger.violate('S9', `${label}: partial, but recorded as ${row?.cause}`);
    for (const part of members) if (!part.final?.settled) justify(world, part);
  }
}

/** A part of a released set may only be lost by what its node or the chain did: its deadline, or a forced close. */
function justify({ ledger, counters }: World, part: TruePart): void {
  if (part.final?.offchain === false) return counters.hit('residual.lostOnChain');
  // Up to three blocks before its own deadline lnd refuses to take an HTLC up again.
  if (part.finalHeight >= part.autoFailHeight - 3) return counters.hit('residual.lostAtDeadline');
  ledger.violate(
    'S9',
    `${part.label} of a released set failed at ${part.finalHeight}, due ${part.autoFailHeight}`,
  );
}

function nameOf({ payer }: World, hash: string): string {
  return payer.byHash.get(hash as never)?.plan.label ?? hash.slice(0, 8);
}

function describe({ ledger, database }: World, id: PartId): string {
  const part = ledger.parts.get(id);
  if (!part) return id.slice(-24);
  const row = database.state.invoices.get(part.paymentHash);
  const state = row ? `${row.status}${row.releaseEpoch === undefined ? '' : ' released'}` : 'no row';
  return `${part.label} (${part.kind}, ${part.node.name}, decision ${ledger.decisionOf(id)}, ${state})`;
}
