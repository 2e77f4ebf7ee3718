import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChildNode, startChildNode } from './childNode.ts';
import { parseSimulateOptions, SIMULATE_USAGE, type SimulateOptions } from './options.ts';
import { runPay } from './payer/payCommand.ts';
import { type SimulatedLnd, type SimulatedLndInfo, startSimulatedLnd } from './server/simulatedLnd.ts';

const CLUSTER = ['alice', 'bob'];

/** Runs one node in this process; the promise is settled once it takes calls. */
export function runSimulatedNode(options: SimulateOptions & { name: string }): Promise<SimulatedLnd> {
  const { name, dir, network, epoch, series, seed, port, controlPort, height, privateKey } = options;
  return startSimulatedLnd({
    name,
    dir: resolve(dir),
    network,
    epoch,
    series,
    seed,
    port,
    controlPort,
    height,
    ...(privateKey === undefined ? {} : { privateKey }),
  });
}

/** `lnmuxd simulate`: the arguments after that word. Gives the exit code once everything has ended. */
export async function simulateCommand(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(SIMULATE_USAGE);
    return 0;
  }
  if (argv[0] === 'pay') return runPay(argv.slice(1));
  let options: SimulateOptions;
  try {
    options = parseSimulateOptions(argv);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${SIMULATE_USAGE}`);
    return 2;
  }
  const { name } = options;
  return name === undefined ? runCluster(options) : runOne({ ...options, name });
}

async function runOne(options: SimulateOptions & { name: string }): Promise<number> {
  const lnd = await runSimulatedNode(options);
  process.stdout.write(`${JSON.stringify({ ready: true, ...lnd.info })}\n`);
  await stopRequested(options.exitWithParent);
  await lnd.stop();
  return 0;
}

async function runCluster(options: SimulateOptions): Promise<number> {
  const { dir, network, epoch, series, height } = options;
  const started = await Promise.allSettled(
    CLUSTER.map((name, index) =>
      startChildNode([
        ...['--name', name, '--dir', join(dir, name), '--network', network, '--epoch', epoch],
        ...['--series', series],
        ...['--height', String(height), '--seed', String(options.seed + index)],
      ]),
    ),
  );
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (nodes.length === CLUSTER.length) {
    process.stdout.write(
      clusterConfig(
        network,
        nodes.map(({ info }) => info),
      ),
    );
    await Promise.race([stopRequested(options.exitWithParent), ...nodes.map(exited)]);
  }
  await Promise.all(nodes.map((node) => node.stop()));
  return nodes.length === CLUSTER.length ? 0 : 1;
}

function exited(node: ChildNode): Promise<void> {
  return new Promise((done) => node.process.once('exit', () => done()));
}

/** The `lnd` section of lnmux.yml for these nodes. */
export function clusterConfig(network: string, nodes: readonly SimulatedLndInfo[]): string {
  const lines = nodes.flatMap((node) => [
    `    # ${node.name}, control API at ${node.controlUrl}`,
    `    - name: ${JSON.stringify(node.name)}`,
    `      pubKey: ${node.pubkey}`,
    `      lndUrl: ${node.lndUrl}`,
    `      tlsCertPath: ${JSON.stringify(node.tlsCertPath)}`,
    `      macaroonPath: ${JSON.stringify(node.macaroonPath)}`,
  ]);
  return ['# Simulated nodes, for lnmux.yml', 'lnd:', `  network: ${network}`, '  nodes:', ...lines, ''].join(
    '\n',
  );
}

function stopRequested(exitWithParent: boolean): Promise<void> {
  return new Promise((done) => {
    process.once('SIGTERM', () => done());
    process.once('SIGINT', () => done());
    if (!exitWithParent) return;
    process.stdin.once('end', () => done());
    process.stdin.once('error', () => done());
    process.stdin.resume();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exit(await simulateCommand(process.argv.slice(2)));
}
