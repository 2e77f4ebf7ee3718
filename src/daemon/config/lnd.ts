import { parseHostPort } from '../../adapters/net/address.ts';
import { type NodeId, nodeIdFromText } from '../../domain/hash.ts';
import { isValidPublicKey } from '../../lightning/crypto.ts';
import { networkFromName } from '../../lightning/networks.ts';
import { shown } from './problem.ts';
import type { Section } from './section.ts';
import type { LndConfig, LndNodeConfig } from './types.ts';

/** The first release with final HTLC resolutions, on which finality depends. */
const MIN_LND_VERSION = 'v0.16.0-beta.rc2';

const PRIORITY_MAX = 2 ** 31 - 1;

function readPubKey(section: Section): NodeId | undefined {
  const text = section.requiredText('pubKey', "write the node's public key (lncli getinfo, identity_pubkey)");
  if (text === undefined) return undefined;
  const id = nodeIdFromText(text);
  if (id === undefined || !isValidPublicKey(Buffer.from(id, 'hex'))) {
    const length = text.length === 66 ? '' : ` (it has ${text.length} characters)`;
    section.problem('pubKey', `not a public key${length}; write 66 hex digits that start with 02 or 03`);
    return undefined;
  }
  return id;
}

function readUrl(section: Section): string {
  const url = section.requiredText('lndUrl', "write host:port of lnd's gRPC, for example localhost:10009");
  if (url === undefined) return '';
  const parsed = parseHostPort(url);
  if (parsed === undefined || parsed.host === '' || parsed.port === 0) {
    section.problem(
      'lndUrl',
      `${shown(url)} is not host:port; write it without https://, such as localhost:10009`,
    );
  }
  return url;
}

function readNode(section: Section): LndNodeConfig | undefined {
  const pubKey = readPubKey(section);
  const name = section.text('name', pubKey?.slice(0, 10) ?? '');
  const lndUrl = readUrl(section);
  const macaroonPath = section.requiredText('macaroonPath', 'write the path of the macaroon file') ?? '';
  const tlsCertPath = section.requiredText('tlsCertPath', "write the path of lnd's tls.cert") ?? '';
  const priority = section.integer('priority', { fallback: 0, min: -PRIORITY_MAX, max: PRIORITY_MAX });
  section.finish();
  if (pubKey === undefined) return undefined;
  return {
    name: name === '' ? pubKey.slice(0, 10) : name,
    pubKey,
    lndUrl,
    macaroonPath,
    tlsCertPath,
    priority,
  };
}

function readNodes(section: Section): readonly LndNodeConfig[] {
  const nodes: LndNodeConfig[] = [];
  for (const item of section.list('nodes')) {
    const node = readNode(item);
    if (node === undefined) continue;
    const twin = nodes.findIndex((other) => other.pubKey === node.pubKey);
    if (twin >= 0)
      item.problem('pubKey', `the same node as ${section.keyOf('nodes')}[${twin}]; remove one of them`);
    const namesake = nodes.findIndex((other) => other.name === node.name);
    if (namesake >= 0 && twin < 0) {
      item.problem('name', `the same name as ${section.keyOf('nodes')}[${namesake}]; give each node its own`);
    }
    nodes.push(node);
  }
  if (!section.has('nodes')) {
    section.warning('nodes', 'no lnd nodes: invoices will have no route hints and nobody can pay them');
  }
  return nodes;
}

export function readLnd(section: Section, root: Section): LndConfig {
  const networks = 'mainnet, testnet, testnet4, signet, regtest or simnet';
  const name = section.requiredText('network', `write ${networks}`);
  const network = networkFromName(name ?? '');
  if (name !== undefined && network === undefined) {
    section.problem('network', `unsupported network ${shown(name)}; write ${networks}`);
  }
  const nodes = readNodes(section);
  if (section.has('timeout')) {
    section.text('timeout');
    section.warning(
      'timeout',
      'ignored, as the Go program did; streams to lnd have no deadline, remove the key',
    );
  }
  section.finish();
  const minVersion = root.text('minLndVersion', MIN_LND_VERSION);
  if (!/^v?\d{1,4}\.\d{1,4}\.\d{1,4}(-[0-9a-zA-Z.]{1,40})?$/.test(minVersion)) {
    root.problem(
      'minLndVersion',
      `${shown(minVersion)} is not a version; write one such as ${MIN_LND_VERSION}`,
    );
  }
  return { network: network?.name ?? 'regtest', nodes, minVersion };
}
