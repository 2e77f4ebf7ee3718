import type { Candidate } from '../../../src/actors/supervisor/admission.ts';
import type { HeldPart } from '../../../src/actors/supervisor/entries.ts';
import { HeldHtlcs } from '../../../src/actors/supervisor/heldHtlcs.ts';
import type { PartId } from '../../../src/domain/htlcKey.ts';
import type { Part } from '../../../src/domain/part.ts';
import { type HASH, PREIMAGE } from '../scene.ts';

/** The real class without the megabyte of secrets that it allocates; parts that were offered have an address. */
export class ModelHeld extends HeldHtlcs {
  readonly offered = new Set<PartId>();
  override hold({ part, paymentHash, feeMsat }: Candidate): HeldPart {
    this.offered.add(part.id);
    return super.restore(part, paymentHash, feeMsat);
  }
  override restore(part: Part, paymentHash: typeof HASH): HeldPart {
    this.offered.delete(part.id);
    return super.restore(part, paymentHash, undefined);
  }
  override release(id: PartId): void {
    this.offered.delete(id);
    super.release(id);
  }
  override sharedSecret(): undefined {
    return undefined;
  }
  override paymentAddr(id: PartId): Uint8Array | undefined {
    return this.offered.has(id) ? PREIMAGE : undefined;
  }
}
