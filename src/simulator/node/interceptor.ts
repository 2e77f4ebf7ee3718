import { toHex } from '../../domain/hex.ts';
import { sha256 } from '../../lightning/crypto.ts';
import { checkAnswer, failureOf, LND_ACTION } from './answer.ts';
import { INTERCEPTOR_EXISTS, notHeld, onChainOnly, unknown } from './faults.ts';
import { type ChannelLedger, circuitText } from './ledger.ts';
import type { SeededRandom } from './random.ts';
import type {
  Answer,
  Htlc,
  InterceptorClient,
  NodeOutput,
  NodeSettings,
  OriginFailure,
  RpcFault,
} from './types.ts';

const MAX_HEIGHT = 2 ** 31 - 1;

interface Held {
  readonly htlc: Htlc;
  readonly autoFailHeight: number;
  readonly onChain: boolean;
}

interface InterceptorParts {
  readonly settings: () => NodeSettings;
  readonly ledger: ChannelLedger;
  readonly random: SeededRandom;
  readonly output: NodeOutput;
}

/** lnd's interceptable switch: the one client, the held set and the watchdog (htlcswitch/interceptable_switch.go). */
export class Interceptor {
  private readonly parts: InterceptorParts;
  private readonly held = new Map<string, Held>();
  // The stream takes the slot at once; the switch knows of the client only once it has started.
  private slot: InterceptorClient | undefined;
  private switchStarted = true;
  private height: number;

  constructor(parts: InterceptorParts, height: number) {
    this.parts = parts;
    this.height = height;
  }

  private get client(): InterceptorClient | undefined {
    return this.switchStarted ? this.slot : undefined;
  }

  get heldCount(): number {
    return this.held.size;
  }

  get isConnected(): boolean {
    return this.slot !== undefined;
  }

  heldHtlcs(): Held[] {
    return [...this.held.values()];
  }

  /** Takes the slot and offers everything that is held, in random order. */
  connect(client: InterceptorClient): RpcFault | undefined {
    if (this.slot) return INTERCEPTOR_EXISTS;
    this.slot = client;
    if (this.switchStarted) this.offerHeld();
    return undefined;
  }

  /** While the switch has not started the client's stream is open and silent (RPC_ACTIVE). */
  setSwitchStarted(started: boolean): void {
    if (started === this.switchStarted) return;
    this.switchStarted = started;
    if (started) this.offerHeld();
  }

  private offerHeld(): void {
    for (const held of this.parts.random.shuffled(this.held.values())) this.send(held);
  }

  private send({ htlc, autoFailHeight }: Held): void {
    this.client?.offer({ htlc, autoFailHeight });
  }

  /** The client's stream has ended, from either side. A client that has no slot is ignored. */
  disconnect(client: InterceptorClient): void {
    if (this.slot !== client) return;
    this.slot = undefined;
    const { requireInterceptor, epoch } = this.parts.settings();
    if (requireInterceptor) return;
    for (const [name, { htlc, onChain }] of this.held) {
      if (onChain && epoch !== 'L') continue;
      this.held.delete(name);
      if (!onChain) this.resume(htlc);
    }
  }

  /** Ends the client's stream from our side, as a broken connection does. */
  dropClient(fault: RpcFault): void {
    const client = this.slot;
    if (!client) return;
    this.disconnect(client);
    client.end(fault);
  }

  /** lnd stops: the held set is RAM. */
  restart(fault: RpcFault): void {
    const client = this.slot;
    this.slot = undefined;
    this.held.clear();
    client?.end(fault);
  }

  /** A forwarded HTLC arrives, for the first time or replayed by its link. */
  offer(htlc: Htlc, isReplay: boolean): void {
    const { epoch, rejectDelta, interceptDelta, requireInterceptor } = this.parts.settings();
    if (epoch === 'N' && htlc.incomingExpiry > MAX_HEIGHT) this.reject(htlc, 'expiry_too_far');
    // Comes before the held check: an HTLC may be failed here and yet stay held.
    else if (htlc.incomingExpiry < this.height + interceptDelta) this.reject(htlc, 'expiry_too_soon');
    else if (this.held.has(circuitText(htlc))) return;
    else if (!this.client && !requireInterceptor) this.resume(htlc);
    else if (!this.client && !isReplay) this.reject(htlc, 'temporary_channel_failure');
    else this.hold({ htlc, autoFailHeight: htlc.incomingExpiry - rejectDelta, onChain: false });
  }

  /** The resolver of a closed channel offers an HTLC. */
  offerOnChain(htlc: Htlc): void {
    const { epoch, requireInterceptor } = this.parts.settings();
    const isLost = this.held.has(circuitText(htlc)) || !(this.client || requireInterceptor);
    if (epoch === 'L' && isLost) return;
    this.hold({ htlc, autoFailHeight: epoch === 'L' ? 0 : htlc.incomingExpiry, onChain: true });
  }

  private hold(held: Held): void {
    this.held.set(circuitText(held.htlc), held);
    this.send(held);
  }

  private reject(htlc: Htlc, name: OriginFailure): void {
    this.parts.ledger.respond(htlc, { kind: 'fail', failure: { kind: 'origin', name } });
  }

  /** Normal forwarding: the virtual channel has no peer, other channels have one where the offer says so. */
  private resume(htlc: Htlc): void {
    const { ledger, output } = this.parts;
    htlc.resumed = true;
    if (htlc.forwardPreimage) {
      const { chanId, htlcId, outgoingChanId } = htlc;
      output.event({ kind: 'forward', chanId, htlcId, outgoingChanId });
      ledger.respond(htlc, { kind: 'settle', preimage: htlc.forwardPreimage });
    } else this.reject(htlc, 'unknown_next_peer');
  }

  /** The resolver is done with an on-chain HTLC: withdrawn without notice. */
  withdraw(htlc: Htlc): void {
    const name = circuitText(htlc);
    if (this.held.get(name)?.onChain) this.held.delete(name);
  }

  /** The watchdog: fails what has reached its deadline, without telling the client. */
  block(height: number): void {
    this.height = height;
    for (const [name, { htlc, autoFailHeight, onChain }] of this.held) {
      if (height < autoFailHeight) continue;
      this.held.delete(name);
      if (!onChain) this.reject(htlc, 'temporary_channel_failure');
    }
  }

  /**
   * The client answers. A fault closes the stream and frees the slot; it is given back so that the caller can end
   * the stream with it.
   */
  answer(client: InterceptorClient, answer: Answer): RpcFault | undefined {
    if (this.client !== client) return undefined;
    const fault = this.resolve(answer);
    if (fault) this.disconnect(client);
    return fault;
  }

  private resolve(answer: Answer): RpcFault | undefined {
    const { epoch } = this.parts.settings();
    const invalid = checkAnswer(answer);
    if (invalid) return invalid;
    const key = answer.key!;
    const name = circuitText(key);
    const held = this.held.get(name);
    if (!held) return notHeld(epoch, key);
    if (epoch === 'L') this.held.delete(name);
    const fault = this.act(held, answer);
    if (fault) return fault;
    this.held.delete(name);
    this.parts.output.answered(held.htlc, answer);
    return undefined;
  }

  private act({ htlc, onChain }: Held, answer: Answer): RpcFault | undefined {
    const { settings, ledger } = this.parts;
    if (answer.action === LND_ACTION.SETTLE) {
      const preimage = Uint8Array.from(answer.preimage);
      if (toHex(sha256(preimage)) !== htlc.paymentHash) return unknown('preimage does not match hash');
      if (onChain) ledger.claimOnChain(htlc, preimage);
      else ledger.respond(htlc, { kind: 'settle', preimage });
    } else if (answer.action === LND_ACTION.FAIL) {
      if (onChain) return onChainOnly(settings().epoch, 'fail');
      ledger.respond(htlc, { kind: 'fail', failure: failureOf(answer) });
    } else {
      if (onChain) return onChainOnly(settings().epoch, 'resume');
      this.resume(htlc);
    }
    return undefined;
  }
}
