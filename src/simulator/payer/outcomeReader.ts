import { toHex } from '../../domain/hex.ts';
import { sha256 } from '../../lightning/crypto.ts';
import { DecodeError } from '../../lightning/errors.ts';
import { FAILURE_NAMES, type FailureMessage, parseFailureMessage } from '../../lightning/failureMessage.ts';
import { decryptFailure } from '../../lightning/failureOnion.ts';
import type { SentHtlc } from '../control/nodeControl.ts';
import type { PartHtlc } from './partRoute.ts';
import type { AttemptFailure } from './payment.ts';

/** What an outcome means for the payment: done, worth another try, or no use to try again. */
export interface AttemptVerdict {
  readonly status: 'settled' | 'failed' | 'pending';
  readonly next: 'done' | 'retry' | 'giveUp';
  readonly failure?: AttemptFailure;
  readonly preimage?: Uint8Array;
}

/** The payee's failures that another try may mend. */
const RETRYABLE_AT_PAYEE: ReadonlySet<string> = new Set(['mpp_timeout', 'temporary_node_failure']);

/** Reads an HTLC's outcome: checks the preimage, or takes the layers off the failure. */
export function readOutcome(outcome: SentHtlc, htlc: PartHtlc, paymentHash: Uint8Array): AttemptVerdict {
  switch (outcome.kind) {
    case 'settled':
      if (toHex(sha256(outcome.preimage)) !== toHex(paymentHash)) {
        return failed('giveUp', { kind: 'unreadable', text: 'settled with a wrong preimage' });
      }
      return { status: 'settled', next: 'done', preimage: Uint8Array.from(outcome.preimage) };
    case 'failed':
      return readFailure(outcome.reason, htlc);
    case 'malformed': {
      const text =
        (FAILURE_NAMES as Record<number, string | undefined>)[outcome.code] ?? `code ${outcome.code}`;
      return failed('giveUp', { kind: 'malformed', hop: 0, text });
    }
    case 'failedOnChain':
      return failed('giveUp', { kind: 'onChain', text: 'timed out on-chain' });
    case 'refused':
      return failed('retry', { kind: 'refused', hop: 0, text: outcome.message });
    case 'unknown':
      return {
        status: 'pending',
        next: 'done',
        failure: { kind: 'unknown', hop: undefined, message: undefined, text: outcome.message },
      };
  }
}

function readFailure(reason: Uint8Array, { sharedSecrets }: PartHtlc): AttemptVerdict {
  const decrypted = decryptFailure(sharedSecrets, reason);
  if (!decrypted) return failed('giveUp', { kind: 'unreadable', text: 'failure could not be decrypted' });
  const { hop } = decrypted;
  const message = parsed(decrypted.message);
  if (!message) return failed('giveUp', { kind: 'unreadable', hop, text: 'failure message is malformed' });
  const isWayAtFault = hop < sharedSecrets.length - 1;
  const next = isWayAtFault || RETRYABLE_AT_PAYEE.has(message.name) ? 'retry' : 'giveUp';
  return failed(next, { kind: 'failed', hop, message, text: message.name });
}

function parsed(message: Uint8Array): FailureMessage | undefined {
  try {
    return parseFailureMessage(message);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function failed(
  next: AttemptVerdict['next'],
  failure: Pick<AttemptFailure, 'kind' | 'text'> & Partial<AttemptFailure>,
): AttemptVerdict {
  return { status: 'failed', next, failure: { hop: undefined, message: undefined, ...failure } };
}
