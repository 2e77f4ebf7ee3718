import { parentPort, workerData } from 'node:worker_threads';
import { PeelBatch } from './peelBatch.ts';
import { createPeelOne } from './peelOne.ts';

/** What the main thread sends: the memory of a batch, and how many of its slots are filled. */
export interface BatchMessage {
  readonly id: number;
  readonly count: number;
  readonly memory: SharedArrayBuffer;
}

const peelOne = createPeelOne((workerData as { identityKey: Uint8Array }).identityKey);

parentPort?.on('message', ({ id, count, memory }: BatchMessage) => {
  const batch = new PeelBatch(memory);
  for (let slot = 0; slot < count; slot++) batch.writeResult(slot, peelOne(batch.readRequest(slot)));
  parentPort?.postMessage(id);
});
