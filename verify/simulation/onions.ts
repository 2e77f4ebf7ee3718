import type { OnionPeeler, PeelResult } from '../../src/actors/ports/onionPeeler.ts';
import type { Prng } from './random.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** Onions that are only numbers: what each opens to is kept here. The cryptography has proofs of its own. */
export class Onions {
  readonly #results: PeelResult[] = [];

  /** The packet that opens to `result`. */
  wrap(result: PeelResult): Uint8Array {
    const blob = new Uint8Array(8);
    new DataView(blob.buffer).setUint32(0, this.#results.push(result) - 1);
    return blob;
  }

  peelerOf(process: Process, scheduler: Scheduler, random: Prng): OnionPeeler {
    let last = 0;
    return {
      peel: ({ onionBlob }, done) => {
        const number = new DataView(onionBlob.buffer, onionBlob.byteOffset).getUint32(0);
        const result = this.#results[number]!;
        const pause = random.chance(0.05) ? random.between(3, 60) : random.between(0.05, 1);
        last = Math.max(last, scheduler.now + pause);
        const copy = result.sharedSecret ? { ...result, sharedSecret: result.sharedSecret.slice() } : result;
        scheduler.after(last - scheduler.now, `${process.name} peeled ${number}`, () => done(copy), {
          owner: process,
        });
      },
      close: () => Promise.resolve(),
    };
  }
}
