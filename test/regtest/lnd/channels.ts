import { readClosingTxid, readConfirmedSat, readFundingTxid, readHasPolicies } from './answers.ts';
import { openChannelArgs } from './arguments.ts';
import type { Chain } from './chain.ts';
import { LncliError } from './lncli.ts';
import type { LndNode } from './node.ts';

/** Below 0.168 BTC any lnd takes a channel. Payments of all scenarios together need a part of it. */
const CAPACITY_SAT = 10_000_000n;
const GIFT_SAT = 100_000_000n;
const CONFIRMATIONS = 6;
/** lnd counts confirmations of a force close, more for larger channels, before it believes it. */
const MOST_CLOSE_CONFIRMATIONS = 12;
const RECONNECT_MS = 1_000;

/** Mines, and waits until every lnd that runs has seen it. */
export type Mine = (blocks: number) => Promise<void>;

/** The payer's coins: enough for channels. The others get some for what they have to do on chain. */
export async function fundNodes(
  payer: LndNode,
  others: readonly LndNode[],
  chain: Chain,
  mine: Mine,
): Promise<void> {
  const needed = GIFT_SAT * BigInt(others.length + 1);
  await payer.until(`${payer.name}'s wallet had ${needed} sat`, async () => {
    const balance = readConfirmedSat(await payer.lncli.call(['walletbalance']));
    return balance > needed ? balance : undefined;
  });
  for (const node of others) {
    const args = [
      'sendcoins',
      `--addr=${await node.newAddress()}`,
      `--amt=${GIFT_SAT}`,
      '--sat_per_vbyte=10',
    ];
    await payer.lncli.call(args);
  }
  await payer.until('the transactions were in the mempool', async () =>
    (await chain.mempool()).length >= others.length ? true : undefined,
  );
  await mine(1);
}

/** Opens a channel from the payer to a node and waits until both ends can use it. */
export async function openChannel(payer: LndNode, node: LndNode, chain: Chain, mine: Mine): Promise<void> {
  const before = new Set((await payer.channels(node.pubkey)).map(({ channelPoint }) => channelPoint));
  const plan = { pubkey: node.pubkey, peerAddress: node.peerAddress, capacitySat: CAPACITY_SAT };
  const opened = await payer.until(`${payer.name} opened a channel to ${node.name}`, async () => {
    try {
      return { txid: readFundingTxid(await payer.lncli.call(openChannelArgs(plan))) };
    } catch (error) {
      // Only what says that nothing was begun may be tried again.
      const isEarly =
        error instanceof LncliError && /synced|[Ss]ynchroniz|starting|not online/.test(error.reason);
      return isEarly ? undefined : { error };
    }
  });
  if ('error' in opened) throw opened.error;
  await inMempool(payer, chain, opened.txid);
  await mine(CONFIRMATIONS);
  await usable(payer, node, ({ channelPoint }) => !before.has(channelPoint));
  const channels = await payer.channels(node.pubkey);
  for (const { channelPoint, scid } of channels) {
    if (!before.has(channelPoint)) await inGraph(payer, scid);
  }
}

/** An active channel comes a moment later into the graph in which lnd looks for ways. */
async function inGraph(payer: LndNode, scid: string): Promise<void> {
  await payer.until(`${payer.name} found ways through channel ${scid}`, async () => {
    try {
      return readHasPolicies(await payer.lncli.call(['getchaninfo', scid])) ? true : undefined;
    } catch (error) {
      if (error instanceof LncliError && error.reason.includes('edge not found')) return undefined;
      throw error;
    }
  });
}

/** Waits until a channel between them is there and works at both ends; they are connected where they are not. */
export async function usable(
  payer: LndNode,
  node: LndNode,
  wanted: (channel: { readonly channelPoint: string }) => boolean = () => true,
): Promise<void> {
  let connectedAt = 0;
  await payer.until(`the channel of ${payer.name} and ${node.name} was active at both ends`, async () => {
    const ends = await Promise.all([payer.channels(node.pubkey), node.channels(payer.pubkey)]);
    const isUsable = ends.every((channels) => {
      const ours = channels.filter(wanted);
      return ours.length > 0 && ours.every(({ isActive }) => isActive);
    });
    if (isUsable) return true;
    if (performance.now() - connectedAt > RECONNECT_MS) {
      connectedAt = performance.now();
      await payer.connect(node);
    }
    return undefined;
  });
}

/** Who closes which channel, and who has to notice it. */
export interface Closing {
  readonly closer: LndNode;
  readonly other: LndNode;
  readonly node: LndNode;
}

/** Closes a channel by force; waits until `node` knows that the commitment is confirmed. */
export async function forceClose({ closer, other, node }: Closing, chain: Chain, mine: Mine): Promise<void> {
  const [channel] = await closer.channels(other.pubkey);
  if (!channel) throw new Error(`${closer.name} has no channel with ${other.name} to close`);
  const { channelPoint } = channel;
  const args = ['closechannel', '--force', `--chan_point=${channelPoint}`];
  await inMempool(closer, chain, readClosingTxid(await closer.lncli.call(args)));
  for (let blocks = 0; blocks < MOST_CLOSE_CONFIRMATIONS; blocks++) {
    await mine(1);
    if (await soon(async () => (await node.forceClosing()).includes(channelPoint))) return;
  }
  throw new Error(
    `${node.name} did not take channel ${channelPoint} for closed after ${MOST_CLOSE_CONFIRMATIONS} blocks`,
  );
}

async function inMempool(node: LndNode, chain: Chain, txid: string): Promise<void> {
  await node.until(`transaction ${txid} was in the mempool`, async () =>
    (await chain.mempool()).includes(txid) ? true : undefined,
  );
}

/** Looks for a second or two whether it comes true. */
async function soon(condition: () => Promise<boolean>): Promise<boolean> {
  for (let look = 0; look < 10; look++) {
    if (await condition()) return true;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  return false;
}
