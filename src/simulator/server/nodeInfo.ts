import type { GetInfoResponse } from '../../generated/lnd/lightning.ts';
import type { Version } from '../../generated/lnd/verrpc.ts';
import { networkFromName } from '../../lightning/networks.ts';
import type { Epoch, Series } from '../node/types.ts';
import type { NodeContext } from './context.ts';

const VERSIONS: Readonly<Record<Series, Readonly<Record<Epoch, string>>>> = {
  '0.20': { L: '0.20.1-beta', M: '0.20.2-beta', N: '0.20.3-beta' },
  '0.21': { L: '0.21.0-beta', M: '0.21.1-beta', N: '0.21.2-beta' },
};
const COMMIT = 'simulated';

/** lnrpc.GetInfo, with the faults that change it. */
export function getInfo({ node, faults, identity }: NodeContext): GetInfoResponse {
  const { wrongPubkey, wrongNetwork, unsynced } = faults.current;
  const network = networkFromName(identity.network)?.lndName ?? identity.network;
  const { requireInterceptor, storeFinals } = node.settings;
  return {
    identityPubkey: wrongPubkey || identity.pubkey,
    alias: identity.name,
    blockHeight: node.height,
    // Display order is the reverse of the internal one.
    blockHash: Buffer.from(node.tipHash).reverse().toString('hex'),
    syncedToChain: !unsynced,
    syncedToGraph: !unsynced,
    version: `${versionOf({ node, faults })} commit=${COMMIT}`,
    commitHash: COMMIT,
    chains: [{ chain: 'bitcoin', network: wrongNetwork || network }],
    requireHtlcInterceptor: requireInterceptor,
    storeFinalHtlcResolutions: storeFinals,
  };
}

/** verrpc.GetVersion. */
export function getVersion(context: NodeContext): Version {
  const version = versionOf(context);
  const [numbers = '', preRelease = ''] = version.split(/-(.*)/);
  const [major = 0, minor = 0, patch = 0] = numbers.split('.').map(Number);
  return {
    commit: COMMIT,
    commitHash: COMMIT,
    version,
    appMajor: major,
    appMinor: minor,
    appPatch: patch,
    appPreRelease: preRelease,
  };
}

function versionOf({ node, faults }: Pick<NodeContext, 'node' | 'faults'>): string {
  return faults.current.wrongVersion || VERSIONS[node.settings.series][node.settings.epoch];
}
