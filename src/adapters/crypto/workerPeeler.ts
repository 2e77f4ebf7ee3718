import type { Worker } from 'node:worker_threads';
import type { OnionPeeler, PeelRequest, PeelResult } from '../../actors/ports/onionPeeler.ts';
import { type BatchMessage, SLOT_BASE } from './batchMessage.ts';
import { BATCH_SLOTS, PeelBatch } from './peelBatch.ts';

const UNAVAILABLE: PeelResult = { ok: false, error: { code: 'peeler_unavailable' } };

/** Batches whose memory is kept for reuse: those with the lowest numbers. */
const KEPT_BATCHES = 16;

/**
 * Batches under way before the next one waits for company: one is being peeled, one is there when that is done.
 * A message between threads costs as much as a tenth of an onion, so that fewer are better where it is busy.
 */
const UNDER_WAY = 2;

/** From a batch of several to the next one, at least, unless it is full: under load company is a moment away. */
const PACE_MS = 5;

type Done = (result: PeelResult) => void;

/** A batch with the callbacks of its filled slots. */
class PendingBatch {
  readonly id: number;
  readonly slots = new PeelBatch();
  callbacks: Done[] = [];
  /** How many workers have been given this batch. */
  attempts = 0;

  constructor(id: number) {
    this.id = id;
  }
}

/**
 * Peels in one worker thread. What is asked for during one turn of the event loop goes over in one batch. When
 * the worker dies, unanswered batches go to a new one, once; onions that outlast two workers fail.
 */
export class WorkerPeeler implements OnionPeeler {
  readonly #startWorker: () => Worker;
  readonly #onWorkerError: (error: unknown) => void;
  readonly #unanswered = new Map<number, PendingBatch>();
  readonly #spare: PendingBatch[] = [];
  readonly #drained: (() => void)[] = [];
  /** Numbers of the batches whose memory the present worker has. */
  readonly #introduced = new Set<number>();
  #worker: Worker | undefined;
  #filling: PendingBatch | undefined;
  #nextId = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** `onWorkerError` hears why a worker died of an exception; nothing in it is secret. */
  constructor(startWorker: () => Worker, onWorkerError: (error: unknown) => void = () => {}) {
    this.#startWorker = startWorker;
    this.#onWorkerError = onWorkerError;
    this.#worker = this.#start();
  }

  peel(request: PeelRequest, done: Done): void {
    if (this.#closed) {
      setImmediate(done, UNAVAILABLE);
      return;
    }
    const batch = this.#filling ?? this.#takeBatch();
    batch.slots.writeRequest(batch.callbacks.length, request);
    if (batch.callbacks.push(done) === BATCH_SLOTS) this.#flush();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    if (this.#unanswered.size > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #takeBatch(): PendingBatch {
    const batch = this.#spare.pop() ?? new PendingBatch(this.#nextId++);
    this.#filling = batch;
    const flush = () => {
      if (this.#filling === batch && this.#unanswered.size < UNDER_WAY) this.#flush();
    };
    const early = this.#sentAt + PACE_MS - performance.now();
    if (early > 0) setTimeout(flush, early);
    else setImmediate(flush);
    return batch;
  }

  #flush(): void {
    const batch = this.#filling;
    this.#filling = undefined;
    if (!batch) return;
    if (batch.callbacks.length === 0) {
      this.#spare.push(batch);
      return;
    }
    this.#unanswered.set(batch.id, batch);
    this.#sentAt = batch.callbacks.length > 1 ? performance.now() : Number.NEGATIVE_INFINITY;
    this.#send(batch);
  }

  #send(batch: PendingBatch): void {
    this.#worker ??= this.#start();
    batch.attempts++;
    const { id, callbacks, slots } = batch;
    const count = callbacks.length;
    // The worker keeps the memory that it will see again; sharing it anew costs more than all the rest.
    const message: BatchMessage = this.#introduced.has(id)
      ? id * SLOT_BASE + count
      : { id, count, memory: slots.memory, keep: id < KEPT_BATCHES };
    if (id < KEPT_BATCHES) this.#introduced.add(id);
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    this.#introduced.clear();
    const worker = this.#startWorker();
    worker.on('message', (id: number) => this.#answered(id));
    // An error is always followed by the exit, which is where the batches are rescued.
    worker.on('error', this.#onWorkerError);
    worker.on('exit', () => this.#exited(worker));
    return worker;
  }

  #answered(id: number): void {
    const batch = this.#unanswered.get(id);
    if (!batch) return;
    const results = batch.callbacks.map((_, slot) => batch.slots.readResult(slot));
    this.#finish(batch, (slot) => results[slot] ?? UNAVAILABLE);
  }

  #exited(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const batch of [...this.#unanswered.values()]) {
      if (batch.attempts < 2) this.#send(batch);
      else this.#finish(batch, () => UNAVAILABLE);
    }
  }

  #finish(batch: PendingBatch, resultOf: (slot: number) => PeelResult): void {
    const callbacks = batch.callbacks;
    this.#unanswered.delete(batch.id);
    batch.callbacks = [];
    batch.attempts = 0;
    if (batch.id < KEPT_BATCHES) this.#spare.push(batch);
    if (this.#filling && this.#filling.callbacks.length > 0 && this.#unanswered.size < UNDER_WAY)
      this.#flush();
    for (const [slot, done] of callbacks.entries()) done(resultOf(slot));
    if (this.#unanswered.size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }
}
