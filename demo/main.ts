/**
 * npm run demo: lnmux from the first process to the last settled payment, told on the terminal.
 *
 * Exit status: 0 when all went as told, 1 when something did not, 130 after Ctrl-C.
 */
import { Cluster } from './cluster.ts';
import { explainCluster } from './keep.ts';
import { Narrator, seconds } from './narrator.ts';
import { Scene } from './scene.ts';
import { tellStory } from './story.ts';

const USAGE = `usage: npm run demo [-- --keep]

  --keep  leave the cluster running afterwards, until Ctrl-C, and say how to talk to it
`;
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--keep');
  if (unknown !== undefined) {
    process.stderr.write(USAGE);
    return unknown === '--help' || unknown === '-h' ? 0 : 2;
  }
  const narrator = new Narrator(process.stdout, process.env);
  const signal = nextSignal();
  const began = performance.now();
  narrator.title('lnmux: an invoice that any node of a cluster can settle');
  narrator.say(
    `A BOLT 11 invoice usually stands and falls with one node. lnmux is a virtual node behind several lnd nodes: its
    invoices name all that are up, and a payment may come through any of them, or through several at once. Everything below
    really happens, in processes of their own; only the two lnd nodes are simulated, behind lnd's own API.`,
  );

  const cluster = await Cluster.prepare();
  const scene = new Scene(cluster, narrator);
  let status = 0;
  try {
    status = await Promise.race([tellStory(scene).then(() => 0), signal, cluster.broken]);
    if (status === 0 && args.includes('--keep')) {
      scene.close();
      await explainCluster(scene);
      await Promise.race([signal, cluster.broken]);
    }
  } catch (error) {
    status = 1;
    tellFailure(scene, error);
  }
  narrator.chapter(status === 0 ? 'Everything ends' : 'Cleaning up');
  const clean = await cleanUp(scene);
  return clean && status === 0 ? tellSuccess(narrator, began) : Math.max(status, 1);
}

/**
 * The exit status that the first signal asks for; then everything ends in an orderly way. A second signal ends at
 * once, and the other processes follow by themselves.
 */
function nextSignal(): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    for (const [name, status] of Object.entries(SIGNALS)) {
      process.on(name, () => {
        if (asked) process.exit(status);
        asked = true;
        resolve(status);
      });
    }
  });
}

/** True when nothing is left. */
async function cleanUp(scene: Scene): Promise<boolean> {
  const { narrator, cluster } = scene;
  const { leftovers } = cluster;
  scene.close();
  try {
    await narrator.step(
      'stopping lnmuxd, its PostgreSQL and the nodes',
      () => cluster.stop(),
      () => 'lnmuxd, its PostgreSQL and the nodes have been stopped',
    );
    const left = await leftovers.remaining();
    for (const each of left) narrator.trouble(`still there: ${each}`);
    if (left.length > 0) return false;
    const count = `${leftovers.processes} processes have ended, ${leftovers.ports} ports are free again`;
    narrator.happened(`looked twice: ${count}, no files are left`);
    return true;
  } catch (error) {
    narrator.trouble(`cleaning up failed: ${(error as Error).message}`);
    return false;
  }
}

function tellSuccess(narrator: Narrator, began: number): number {
  narrator.gap();
  narrator.say(
    `That was lnmux, in ${seconds(performance.now() - began)}. README.md tells how to run it for real.`,
  );
  return 0;
}

function tellFailure({ narrator, cluster }: Scene, error: unknown): void {
  narrator.gap();
  narrator.trouble(
    narrator.paint('red', `The demo failed: ${error instanceof Error ? error.message : error}`),
  );
  const lines = cluster.logTail;
  if (lines.length === 0) return;
  narrator.gap();
  narrator.say('The last lines of the log of lnmuxd:');
  for (const line of lines) narrator.verbatim(line);
}

// Also where something could not be ended: it must not keep the terminal waiting.
process.exit(await main(process.argv.slice(2)));
