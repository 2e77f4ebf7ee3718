import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scene } from './scene.ts';

const BIN = fileURLToPath(new URL('../bin', import.meta.url));

/** Says how to talk to the running cluster. The shop has closed: whoever reads this is the application now. */
export async function explainCluster({ narrator, cluster }: Scene): Promise<void> {
  const bin = relative(process.cwd(), BIN) || '.';
  const { address } = cluster.daemon;
  const nodes = await Promise.all([cluster.info('alice'), cluster.info('bob')]);
  const control = nodes.map(({ controlUrl }) => `--control ${controlUrl}`).join(' ');
  const cli = `${bin}/lnmuxcli.js --rpcserver ${address}`;
  const show = (what: string, ...commands: string[]) => {
    narrator.say(what);
    for (const command of commands) narrator.verbatim(command);
    narrator.gap();
  };
  narrator.chapter('The cluster stays, until you press Ctrl-C here');
  show(
    'The shop has closed: now you are the application. Listen for payments in one terminal, because nobody can pay while nobody listens:',
    `${cli} subscribe`,
  );
  show(
    'In another one, get an invoice and pay it in two parts:',
    `${cli} addinvoice --amt_msat 10000000 --memo tea`,
    `${bin}/lnmuxd.js simulate pay INVOICE ${control} --splits 2`,
  );
  show(
    'It waits for your decision, with the hash and set id that the first terminal shows:',
    `${cli} settleinvoice HASH SETID`,
    `${cli} wait HASH`,
    `${cli} listinvoices`,
  );
  show(
    'The same over plain gRPC; all the methods are in proto/lnmux.proto:',
    `grpcurl -plaintext ${address} describe lnmux.Service`,
    `grpcurl -plaintext -d '{"amt_msat":10000000,"expiry_secs":600}' ${address} lnmux.Service/AddInvoice`,
  );
  narrator.fact('configuration', cluster.configPath);
}
