import { parentPort, workerData } from 'node:worker_threads';
import { type BatchMessage, SLOT_BASE } from './batchMessage.ts';
import { PeelBatch } from './peelBatch.ts';
import { createPeelOne } from './peelOne.ts';

const peelOne = createPeelOne((workerData as { identityKey: Uint8Array }).identityKey);
const known = new Map<number, PeelBatch>();

parentPort?.on('message', (message: BatchMessage) => {
  const { id, count, batch } = read(message);
  for (let slot = 0; slot < count; slot++) batch.writeResult(slot, peelOne(batch.readRequest(slot)));
  parentPort?.postMessage(id);
});

function read(message: BatchMessage): { id: number; count: number; batch: PeelBatch } {
  if (typeof message === 'number') {
    const id = Math.floor(message / SLOT_BASE);
    return { id, count: message % SLOT_BASE, batch: known.get(id)! };
  }
  const { id, count, memory, keep } = message;
  const batch = new PeelBatch(memory);
  if (keep) known.set(id, batch);
  return { id, count, batch };
}
