import { Worker } from 'node:worker_threads';
import type { OnionPeeler } from '../../actors/ports/onionPeeler.ts';
import { isValidPrivateKey } from '../../lightning/crypto.ts';
import { createInlinePeeler } from './inlinePeeler.ts';
import { WorkerPeeler } from './workerPeeler.ts';

export interface OnionPeelerOptions {
  /** 32 bytes, from 1 to n-1. */
  readonly identityKey: Uint8Array;
  /** 1: a thread of its own. 0: the calling thread, for machines with a single core. */
  readonly workers: 0 | 1;
  /** Hears why a worker died; it is replaced without anybody's help. */
  readonly onWorkerError?: (error: unknown) => void;
}

/** Throws RangeError when the identity key is not a private key. */
export function createOnionPeeler(options: OnionPeelerOptions): OnionPeeler {
  const { identityKey, workers, onWorkerError } = options;
  if (!isValidPrivateKey(identityKey)) throw new RangeError('invalid identity key');
  // A copy: the caller's array may be a slice of a pooled buffer, which would go to the worker as a whole.
  const key = Uint8Array.from(identityKey);
  if (workers === 0) return createInlinePeeler(key);
  const url = new URL('./peelWorker.ts', import.meta.url);
  const start = () => new Worker(url, { workerData: { identityKey: key }, name: 'onion-peeler' });
  return new WorkerPeeler(start, onWorkerError);
}
