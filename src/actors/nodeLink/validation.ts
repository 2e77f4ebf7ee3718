import { type NodeId, nodeIdFromText } from '../../domain/hash.ts';
import type { LndInfo } from '../ports/lndClient.ts';
import { compareLndVersions, parseLndVersion, weaknessOf } from './lndVersion.ts';

/** The version that the Go program asks for. Safe only from 0.20.3 or 0.21.2 on, see {@link weaknessOf}. */
export const DEFAULT_MIN_LND_VERSION = '0.16.0-beta.rc2';

/** What a node has to be. */
export interface NodeExpectation {
  readonly nodeId: NodeId;
  /** lnd's name of the network: mainnet, testnet, testnet4, signet, simnet, regtest. */
  readonly network: string;
  readonly minLndVersion: string;
}

/** What a node that may be used says of itself. */
export interface ValidNode {
  readonly alias: string;
  readonly version: string;
  /** What this version can't do safely. */
  readonly weakness: string | undefined;
}

export type Validation =
  | ({ readonly valid: true } & ValidNode)
  | { readonly valid: false; readonly reason: string };

/**
 * Whether this is the right node, new enough, with the flags without which HTLCs would be lost. The order and
 * the words are those of the Go program (lnd/client.go). Chain sync is not judged here: it comes and goes.
 */
export function validateNode(expected: NodeExpectation, versionText: string, info: LndInfo): Validation {
  const version = parseLndVersion(versionText);
  const minimum = parseLndVersion(expected.minLndVersion);
  if (!minimum) return refuse(`invalid minimum lnd version: ${expected.minLndVersion}`);
  if (!version) return refuse(`invalid lnd version: ${versionText.slice(0, 100)}`);
  if (compareLndVersions(version, minimum) < 0) {
    return refuse(
      `connected to lnd version ${version.text}, but minimum required version is ${minimum.text}`,
    );
  }
  if (info.network !== expected.network) {
    return refuse(`unexpected network: expected ${expected.network}, connected to ${info.network ?? 'none'}`);
  }
  const nodeId = nodeIdFromText(info.identityPubkey);
  if (!nodeId) return refuse(`invalid identity pubkey: ${info.identityPubkey.slice(0, 100)}`);
  if (nodeId !== expected.nodeId) {
    return refuse(`unexpected pubkey: expected ${expected.nodeId}, connected to ${nodeId}`);
  }
  if (!info.requireHtlcInterceptor) return refuse('lnd requireinterceptor flag not set');
  if (!info.storeFinalHtlcResolutions) return refuse('lnd store-final-htlc-resolutions flag not set');
  return { valid: true, alias: info.alias, version: version.text, weakness: weaknessOf(version) };
}

const refuse = (reason: string): Validation => ({ valid: false, reason });
