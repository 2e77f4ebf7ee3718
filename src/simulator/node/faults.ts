import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { Epoch, RpcFault } from './types.ts';

const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const UNKNOWN = 2;
const UNAVAILABLE = 14;

/** A plain Go error, which gRPC reports as UNKNOWN. */
export function unknown(message: string): RpcFault {
  return { code: UNKNOWN, message };
}

export function invalidArgument(message: string): RpcFault {
  return { code: INVALID_ARGUMENT, message };
}

export function unavailable(message: string): RpcFault {
  return { code: UNAVAILABLE, message };
}

export const INTERCEPTOR_EXISTS = unknown('interceptor already exists');
export const HTLC_UNKNOWN: RpcFault = { code: NOT_FOUND, message: 'htlc unknown' };
export const FINALS_NOT_STORED = unavailable('cannot lookup with flag --store-final-htlc-resolutions=false');

/** lnd's text for an answer to an HTLC that is not held. */
export function notHeld(epoch: Epoch, key: CircuitKey): RpcFault {
  const name = `(Chan ID=${scidText(key.chanId)}, HTLC ID=${key.htlcId})`;
  return unknown(epoch === 'L' ? `fwd ${name} not found` : `forward does not exist: ${name}`);
}

/** lnd's text for a FAIL or RESUME of an HTLC of a closed channel. */
export function onChainOnly(epoch: Epoch, verb: 'fail' | 'resume'): RpcFault {
  return unknown(
    epoch === 'L' ? `cannot ${verb} in the on-chain flow` : `cannot ${verb} held htlc in the on-chain flow`,
  );
}

function scidText(chanId: bigint): string {
  return `${chanId >> 40n}:${(chanId >> 16n) & 0xffffffn}:${chanId & 0xffffn}`;
}
