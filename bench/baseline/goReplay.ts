import { hash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { clientConfig, type PostgresTarget } from '../../src/adapters/postgres/dsn.ts';
import { type GoPart, markFinal, readMiss, requestSettle } from './goStatements.ts';

const NODES = 2;

/** Per second, over the whole run. */
export interface GoRates {
  /** Settle replies that could be sent: what its event loop does. */
  readonly payments: number;
  /** The same over the first tenth of the run. */
  readonly paymentsAtFirst: number;
  /** Parts that became final, all nodes together. */
  readonly finals: number;
}

interface EventLoopCount {
  readonly all: number;
  readonly atFirst: number;
}

/**
 * Replays what the Go program asks of the database, without anything around it: no lnd, no gRPC, no onions. Its one
 * event loop settles payments one after the other; beside it, on connections of their own, each node's finaliser
 * records final parts one after the other. Single-part payments, the nodes in turn.
 */
export async function replayGo(target: PostgresTarget, seconds: number): Promise<GoRates> {
  const clients = Array.from({ length: 1 + NODES }, () => new pg.Client(clientConfig(target, 'bench go')));
  await Promise.all(clients.map((client) => client.connect()));
  const start = performance.now();
  const goOn = () => performance.now() < start + seconds * 1000;
  const isFirst = () => performance.now() < start + (seconds * 1000) / 10;
  const queues = Array.from({ length: NODES }, (): GoPart[] => []);
  try {
    const [settled, finals] = await Promise.all([
      eventLoop(clients[0]!, queues, goOn, isFirst),
      Promise.all(queues.map((queue, node) => finaliser(clients[1 + node]!, queue, goOn))),
    ]);
    return {
      payments: settled.all / seconds,
      paymentsAtFirst: (settled.atFirst * 10) / seconds,
      finals: finals.reduce((sum, each) => sum + each, 0) / seconds,
    };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function eventLoop(
  client: pg.Client,
  queues: GoPart[][],
  goOn: () => boolean,
  isFirst: () => boolean,
): Promise<EventLoopCount> {
  const nodes = queues.map((_, index) => `02${index.toString(16).padStart(64, '0')}`);
  // Ids that no earlier run has used.
  const firstId = randomBytes(4).readUInt32BE() * 100_000;
  let count = 0;
  let atFirst = 0;
  for (; goOn(); count++) {
    const preimage = randomBytes(32);
    const at = count % queues.length;
    const part = {
      hash: hash('sha256', preimage, 'hex'),
      preimage: preimage.toString('hex'),
      node: nodes[at]!,
      htlcId: firstId + count,
    };
    await inTurn(client, readMiss(part.hash));
    await inTurn(client, requestSettle(part));
    queues[at]!.push(part);
    if (isFirst()) atFirst++;
  }
  return { all: count, atFirst };
}

async function finaliser(client: pg.Client, queue: readonly GoPart[], goOn: () => boolean): Promise<number> {
  let count = 0;
  while (goOn()) {
    const part = queue[count];
    if (part) {
      await inTurn(client, markFinal(part));
      count++;
    } else await new Promise((wake) => setTimeout(wake, 1));
  }
  return count;
}

async function inTurn(client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}
