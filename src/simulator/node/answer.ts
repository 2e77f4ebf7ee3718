import { invalidArgument, unknown } from './faults.ts';
import type { Answer, Failure, OriginFailure, RpcFault } from './types.ts';

/** routerrpc.ResolveHoldForwardAction. */
export const LND_ACTION = { SETTLE: 0, FAIL: 1, RESUME: 2, RESUME_MODIFIED: 3 } as const;

const PREIMAGE_BYTES = 32;
const FAILURE_BYTES = 292;

/** The failure codes (lnrpc.Failure.FailureCode) that lnd lets a client choose; 0 is the default. */
const CHOOSABLE_FAILURES: Readonly<Record<number, OriginFailure>> = {
  0: 'temporary_channel_failure',
  8: 'invalid_onion_version',
  9: 'invalid_onion_hmac',
  10: 'invalid_onion_key',
  15: 'temporary_channel_failure',
};

/** What lnd refuses before it looks the HTLC up (lnrpc/routerrpc/forward_interceptor.go); the HTLC stays held. */
export function checkAnswer(answer: Answer): RpcFault | undefined {
  if (!answer.key) return invalidArgument('CircuitKey missing from ForwardHtlcInterceptResponse');
  switch (answer.action) {
    case LND_ACTION.SETTLE:
      return checkPreimage(answer.preimage);
    case LND_ACTION.FAIL:
      return checkFailure(answer);
    case LND_ACTION.RESUME:
    case LND_ACTION.RESUME_MODIFIED:
      return undefined;
    default:
      return invalidArgument(`unrecognized resolve action ${answer.action}`);
  }
}

function checkPreimage({ length }: Uint8Array): RpcFault | undefined {
  if (length === 0) return unknown('missing preimage');
  if (length === PREIMAGE_BYTES) return undefined;
  return unknown(`invalid preimage length of ${length}, want ${PREIMAGE_BYTES}`);
}

function checkFailure({ failureMessage, failureCode }: Answer): RpcFault | undefined {
  if (failureMessage.length > 0) {
    if (failureCode !== 0) {
      return invalidArgument('failure message and failure code are mutually exclusive');
    }
    if (failureMessage.length !== FAILURE_BYTES) return invalidArgument('failure message length invalid');
    return undefined;
  }
  if (Object.hasOwn(CHOOSABLE_FAILURES, failureCode)) return undefined;
  return invalidArgument(`unsupported failure code: ${failureCode}`);
}

/** The failure that a valid FAIL asks for. */
export function failureOf({ failureMessage, failureCode }: Answer): Failure {
  if (failureMessage.length > 0) return { kind: 'encrypted', reason: Uint8Array.from(failureMessage) };
  return { kind: 'origin', name: CHOOSABLE_FAILURES[failureCode]! };
}
