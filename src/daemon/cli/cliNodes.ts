import { setTimeout as pause } from 'node:timers/promises';
import type { LndNode } from '../../generated/lnmux.ts';
import { EXIT } from '../exit.ts';
import type { CliClient } from './cliClient.ts';
import { feesJson, nodeJson } from './cliJson.ts';
import type { CliNode, CliRequest } from './lnmuxcliArgs.ts';
import { print } from './print.ts';

type NodeRequest = Extract<CliRequest, { name: 'nodes' | 'drain' | 'undrain' | 'fees' }>;

/** How often a node that is being drained is looked at. */
const LOOK_MS = 1_000;

const nameOf = ({ pubKey, name }: CliNode) => ({ pubKey: Buffer.from(pubKey), name });

/** Asks until the node may be stopped, and tells on stderr whenever something else is waited for. */
async function stoppable(client: CliClient, drained: LndNode): Promise<LndNode> {
  let node = drained;
  let told = '';
  while (!node.mayBeStopped) {
    if (node.stopping !== told) process.stderr.write(`${node.name}: ${node.stopping}\n`);
    told = node.stopping;
    await pause(LOOK_MS);
    const { nodes } = await client.call(client.service.listNodes, {});
    node = nodes.find(({ pubKey }) => pubKey.equals(drained.pubKey)) ?? node;
  }
  return node;
}

/** Carries out the commands about lnd nodes and gives the exit status. */
export async function askNodes(client: CliClient, request: NodeRequest): Promise<number> {
  const { service } = client;
  switch (request.name) {
    case 'nodes': {
      const { nodes } = await client.call(service.listNodes, {});
      print({ nodes: nodes.map(nodeJson) });
      break;
    }
    case 'fees': {
      const { since, until } = request;
      print(feesJson(await client.call(service.listFees, { since, until })));
      break;
    }
    case 'drain': {
      const message = { ...nameOf(request.node), refuseParts: request.refuseParts };
      const { node } = await client.call(service.drainNode, message);
      if (node) print(nodeJson(request.wait ? await stoppable(client, node) : node));
      break;
    }
    case 'undrain': {
      const { node } = await client.call(service.undrainNode, nameOf(request.node));
      if (node) print(nodeJson(node));
      break;
    }
  }
  return EXIT.ok;
}
