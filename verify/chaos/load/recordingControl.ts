import { toHex } from '../../../src/domain/hex.ts';
import type { SendHtlcRequest } from '../../../src/generated/simulator.ts';
import { sha256 } from '../../../src/lightning/crypto.ts';
import { NodeControl, type SentHtlc } from '../../../src/simulator/control/nodeControl.ts';
import type { NodeSeat } from '../cluster/cluster.ts';
import type { Ledger } from '../judge/ledger.ts';

/** A payer's way to a node that writes down every HTLC and what became of it. */
export class RecordingControl extends NodeControl {
  readonly #nodeId: string;
  readonly #ledger: Ledger;
  readonly #height: () => number;

  /** `height` is that of the node, as whoever mines knows it. */
  constructor(node: NodeSeat, ledger: Ledger, height: () => number) {
    super(node.info.controlUrl);
    this.#nodeId = node.info.pubkey;
    this.#ledger = ledger;
    this.#height = height;
  }

  override async sendHtlc(
    request: SendHtlcRequest,
    options: Parameters<NodeControl['sendHtlc']>[1] = {},
  ): Promise<SentHtlc> {
    let key: string | undefined;
    const hash = toHex(request.paymentHash);
    const onAccepted: NonNullable<typeof options.onAccepted> = (circuit) => {
      key = `${this.#nodeId}:${circuit.chanId}:${circuit.htlcId}`;
      this.#ledger.sent({
        key,
        hash,
        amountMsat: request.amountMsat,
        expiry: request.expiry,
        sentAt: Date.now(),
        outcome: 'pending',
        endedAt: undefined,
        heightAtEnd: undefined,
      });
      options.onAccepted?.(circuit);
    };
    const outcome = await super.sendHtlc(request, { ...options, onAccepted });
    if (key !== undefined) this.#ended(key, hash, outcome);
    return outcome;
  }

  #ended(key: string, hash: string, outcome: SentHtlc): void {
    const htlc = this.#ledger.htlcs.get(key)!;
    if (outcome.kind === 'unknown' || outcome.kind === 'refused') return;
    htlc.outcome = outcome.kind;
    htlc.endedAt = Date.now();
    htlc.heightAtEnd = this.#height();
    if (outcome.kind !== 'settled') return;
    this.#ledger.settledAt(this.#nodeId);
    const payment = this.#ledger.payments.get(hash);
    if (payment && toHex(sha256(outcome.preimage)) === hash) payment.hasPreimage = true;
  }
}
