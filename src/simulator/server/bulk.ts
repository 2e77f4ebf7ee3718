import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { PaymentHash } from '../../domain/hash.ts';
import { toHex } from '../../domain/hex.ts';
import {
  type BulkAnswer,
  type BulkAnswers,
  type BulkOffer,
  type BulkOffers,
  BulkResult,
} from '../../generated/simulator.ts';
import { LND_ACTION } from '../node/answer.ts';
import { circuitText } from '../node/ledger.ts';
import type { Answer } from '../node/types.ts';
import type { NodeContext } from './context.ts';

type BulkCall = ServerDuplexStream<BulkOffers, BulkAnswers>;

const NO_SECRET = new Uint8Array(0);

/** Load: offers come in batches, answers leave in batches, one message a turn of the event loop. */
export function offerBulk(context: NodeContext, call: BulkCall): void {
  let open = true;
  let answers: BulkAnswer[] = [];
  let inFlight = 0;
  let ended = false;
  const flush = () => {
    const batch = answers;
    answers = [];
    if (!open) return;
    call.write({ answers: batch });
    if (ended && inFlight === 0) {
      open = false;
      call.end();
    }
  };
  const give = (answer: BulkAnswer) => {
    inFlight--;
    if (answers.push(answer) === 1) setImmediate(flush);
  };
  call.on('cancelled', () => {
    open = false;
  });
  call.on('data', ({ offers }: BulkOffers) => {
    for (const offer of offers) {
      inFlight++;
      offerOne(context, offer, give);
    }
  });
  call.on('end', () => {
    ended = true;
    if (inFlight === 0 && answers.length === 0 && open) {
      open = false;
      call.end();
    }
  });
}

function offerOne({ node, hub }: NodeContext, offer: BulkOffer, give: (answer: BulkAnswer) => void): void {
  const offeredUs = nowUs();
  const { ref } = offer;
  let htlcId = 0n;
  let done = false;
  const answer = (result: BulkResult, answeredUs: bigint) => {
    if (done) return;
    done = true;
    give({ ref, htlcId, result, offeredUs: answeredUs === 0n ? 0n : offeredUs, answeredUs });
  };
  try {
    const htlc = node.receive({
      chanId: offer.chanId,
      paymentHash: toHex(offer.paymentHash) as PaymentHash,
      incomingAmountMsat: offer.incomingAmountMsat,
      incomingExpiry: offer.incomingExpiry,
      outgoingAmountMsat: offer.outgoingAmountMsat,
      outgoingExpiry: offer.outgoingExpiry,
      outgoingChanId: offer.outgoingChanId,
      onionBlob: Uint8Array.from(offer.onionBlob),
      sharedSecret: NO_SECRET,
      volatile: true,
    });
    htlcId = htlc.htlcId;
    hub.watch(circuitText(htlc), {
      answered: (given: Answer) => answer(resultOf(given), nowUs()),
      outcome: () => answer(BulkResult.FAILED_BY_NODE, 0n),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answer(BulkResult.FAILED_BY_NODE, 0n);
  }
}

function resultOf({ action }: Answer): BulkResult {
  if (action === LND_ACTION.SETTLE) return BulkResult.SETTLED;
  return action === LND_ACTION.FAIL ? BulkResult.FAILED : BulkResult.RESUMED;
}

function nowUs(): bigint {
  return process.hrtime.bigint() / 1_000n;
}
