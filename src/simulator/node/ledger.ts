import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { Msat } from '../../domain/msat.ts';
import { type Channel, newChannel, skipIds, unanswer } from './channel.ts';
import type {
  Htlc,
  IncomingHtlc,
  JournalRecord,
  NodeOutput,
  NodeSettings,
  NodeTimer,
  Outcome,
  Resolution,
  Response,
} from './types.ts';

const RESERVED_IDS = 10_000n;

/** What the sender knows of its HTLC. */
export interface SenderView extends CircuitKey {
  readonly outcome: Outcome | undefined;
}

/** A circuit key as a map key. */
export function circuitText(key: CircuitKey): string {
  return `${key.chanId}:${key.htlcId}`;
}

/**
 * Channels and their HTLCs: mailbox, commitments, final resolutions. The durable part of the node; the held set is
 * elsewhere (interceptor.ts).
 */
export class ChannelLedger {
  readonly onChain = new Set<Htlc>();
  private readonly channels = new Map<bigint, Channel>();
  private readonly htlcs = new Map<string, Htlc>();
  private readonly finals = new Map<string, Resolution>();
  private readonly bySender = new Map<string, SenderView>();
  private readonly settings: () => NodeSettings;
  private readonly output: NodeOutput;
  private readonly timer: NodeTimer;
  private received: Msat = 0n;
  // Timers of an earlier life of lnd do nothing.
  private life = 0;

  constructor(settings: () => NodeSettings, output: NodeOutput, timer: NodeTimer) {
    this.settings = settings;
    this.output = output;
    this.timer = timer;
  }

  /** A new HTLC with the channel's next id, already in both commitments. Throws when no peer could send it. */
  add(incoming: IncomingHtlc): Htlc {
    const channel = this.channel(incoming.chanId);
    if (channel.closed) throw new RangeError('channel is closed');
    if (!channel.linkUp) throw new RangeError('link is down');
    const htlc = this.insert(channel, incoming, channel.nextHtlcId);
    if (!incoming.volatile) this.output.journal({ type: 'htlc', ...incoming, htlcId: htlc.htlcId });
    else this.reserveIds(channel);
    return htlc;
  }

  /** Ids of HTLCs that are not journalled must not be given again either. */
  private reserveIds(channel: Channel): void {
    if (channel.nextHtlcId <= channel.reservedHtlcId) return;
    channel.reservedHtlcId = channel.nextHtlcId + RESERVED_IDS;
    this.output.journal({ type: 'reserve', chanId: channel.chanId, htlcId: channel.reservedHtlcId });
  }

  private insert(channel: Channel, incoming: IncomingHtlc, htlcId: bigint): Htlc {
    const htlc: Htlc = {
      ...incoming,
      htlcId,
      stage: 'pending',
      response: undefined,
      resumed: false,
      onChain: false,
      claim: undefined,
      told: false,
    };
    channel.nextHtlcId = htlcId + 1n;
    channel.htlcs.add(htlc);
    this.htlcs.set(circuitText(htlc), htlc);
    if (htlc.senderRef) {
      this.bySender.set(htlc.senderRef, { chanId: htlc.chanId, htlcId, outcome: undefined });
    }
    return htlc;
  }

  find(key: CircuitKey): Htlc | undefined {
    return this.htlcs.get(circuitText(key));
  }

  findBySender(senderRef: string): SenderView | undefined {
    return this.bySender.get(senderRef);
  }

  resolution(key: CircuitKey): Resolution | undefined {
    return this.finals.get(circuitText(key));
  }

  all(): Iterable<Htlc> {
    return this.htlcs.values();
  }

  channelIds(): bigint[] {
    return [...this.channels.keys()];
  }

  isOpen(chanId: bigint): boolean {
    return !this.channel(chanId).closed;
  }

  isLinkUp(chanId: bigint): boolean {
    return this.channel(chanId).linkUp;
  }

  finalCount(): number {
    return this.finals.size;
  }

  /** What all settled HTLCs brought in. */
  get receivedMsat(): Msat {
    return this.received;
  }

  /** Puts a response into the channel's mailbox. The first one counts; lnd drops others silently. */
  respond(htlc: Htlc, response: Response): void {
    if (htlc.stage !== 'pending' || htlc.response) return;
    const channel = this.channel(htlc.chanId);
    htlc.stage = 'answered';
    htlc.response = response;
    channel.mailbox.push(htlc);
    if (!channel.linkUp || channel.closed) return;
    this.announce(htlc);
    this.scheduleSign(channel);
  }

  private announce(htlc: Htlc): void {
    const { chanId, htlcId, outgoingChanId, response, resumed } = htlc;
    if (response?.kind === 'settle') {
      this.output.event({ kind: 'settle', chanId, htlcId, outgoingChanId, preimage: response.preimage });
    } else {
      this.output.event({ kind: resumed ? 'linkFail' : 'forwardFail', chanId, htlcId, outgoingChanId });
    }
  }

  private scheduleSign(channel: Channel): void {
    const { signDelayMs } = this.settings();
    if (signDelayMs === undefined || channel.signScheduled) return;
    channel.signScheduled = true;
    this.later(signDelayMs, () => {
      channel.signScheduled = false;
      this.sign(channel.chanId);
    });
  }

  private scheduleFinal(channel: Channel): void {
    const { finalDelayMs } = this.settings();
    if (finalDelayMs === undefined || channel.finalScheduled) return;
    channel.finalScheduled = true;
    this.later(finalDelayMs, () => {
      channel.finalScheduled = false;
      this.finalise(channel.chanId);
    });
  }

  private later(delayMs: number, run: () => void): void {
    const life = this.life;
    this.timer.schedule(delayMs, () => {
      if (life === this.life) run();
    });
  }

  /** Signs a commitment with every response in the mailbox: from now on they survive a restart. */
  sign(chanId: bigint): void {
    const channel = this.channel(chanId);
    if (!channel.linkUp || channel.closed) return;
    const signed = channel.mailbox;
    channel.mailbox = [];
    for (const htlc of signed) {
      htlc.stage = 'signed';
      const response = htlc.response!;
      if (!htlc.volatile) this.output.journal({ type: 'response', ...keyOf(htlc), response });
      channel.signed.push(htlc);
      // A preimage cannot be taken back; a failure counts only once it is irrevocable.
      if (response.kind === 'settle') {
        this.tell(htlc, { kind: 'settled', preimage: response.preimage, onChain: false });
      }
    }
    if (channel.signed.length > 0) this.scheduleFinal(channel);
  }

  /** The peer has revoked: signed responses become final; stored first, then told. */
  finalise(chanId: bigint): void {
    const channel = this.channel(chanId);
    if (!channel.linkUp || channel.closed) return;
    const done = channel.signed;
    channel.signed = [];
    for (const htlc of done) {
      const response = htlc.response!;
      if (response.kind === 'fail') this.tell(htlc, { kind: 'failed', failure: response.failure });
      else this.tell(htlc, { kind: 'settled', preimage: response.preimage, onChain: false });
      this.resolve(htlc, { settled: response.kind === 'settle', offchain: true });
    }
  }

  private resolve(htlc: Htlc, resolution: Resolution): void {
    htlc.stage = 'final';
    if (resolution.settled) this.received += htlc.incomingAmountMsat;
    const { storeFinals, loseFinalEvents } = this.settings();
    const key = keyOf(htlc);
    if (storeFinals) this.finals.set(circuitText(key), resolution);
    if (!htlc.volatile) this.output.journal({ type: 'final', ...key, ...resolution, stored: storeFinals });
    this.forget(htlc);
    if (!loseFinalEvents) this.output.event({ kind: 'final', ...key, ...resolution });
  }

  private forget(htlc: Htlc): void {
    this.htlcs.delete(circuitText(htlc));
    this.channel(htlc.chanId).htlcs.delete(htlc);
    this.onChain.delete(htlc);
  }

  private tell(htlc: Htlc, outcome: Outcome): void {
    if (htlc.told) return;
    htlc.told = true;
    const { senderRef } = htlc;
    if (senderRef) {
      this.bySender.set(senderRef, { ...keyOf(htlc), outcome });
      if (!htlc.volatile) this.output.journal({ type: 'outcome', ...keyOf(htlc), senderRef, outcome });
    }
    this.output.outcome(htlc, outcome);
  }

  /** The peer is gone. Nothing can be signed until it is back. */
  unlink(chanId: bigint): void {
    this.channel(chanId).linkUp = false;
  }

  /**
   * The peer is back: responses in the mailbox are sent once more, HTLCs without any response are returned, to be
   * offered again.
   */
  relink(chanId: bigint): Htlc[] {
    const channel = this.channel(chanId);
    if (channel.closed) return [];
    channel.linkUp = true;
    for (const htlc of channel.mailbox) this.announce(htlc);
    if (channel.mailbox.length > 0) this.scheduleSign(channel);
    if (channel.signed.length > 0) this.scheduleFinal(channel);
    const replayed = [...channel.htlcs].filter((htlc) => htlc.stage === 'pending');
    for (const htlc of replayed) htlc.resumed = false;
    return replayed;
  }

  /** lnd stops: links go down and every mailbox is lost. */
  restart(): void {
    this.life++;
    for (const channel of this.channels.values()) {
      channel.linkUp = false;
      channel.signScheduled = false;
      channel.finalScheduled = false;
      for (const htlc of channel.mailbox) unanswer(htlc);
      channel.mailbox = [];
    }
  }

  /**
   * The commitment is confirmed on-chain. Dust is lost at once, whatever was answered; the others are returned, to
   * be offered on-chain. Off-chain responses mean nothing any more.
   */
  close(chanId: bigint): Htlc[] {
    const channel = this.channel(chanId);
    if (channel.closed) return [];
    channel.closed = true;
    channel.mailbox = [];
    channel.signed = [];
    this.output.journal({ type: 'close', chanId });
    const htlcs = [...channel.htlcs];
    const { dustLimitMsat } = this.settings();
    const isDust = (htlc: Htlc) => htlc.incomingAmountMsat < dustLimitMsat;
    for (const htlc of htlcs.filter(isDust)) this.failOnChain(htlc);
    const rest = htlcs.filter((htlc) => !isDust(htlc));
    for (const htlc of rest) {
      unanswer(htlc);
      htlc.onChain = true;
      this.onChain.add(htlc);
    }
    return rest;
  }

  failOnChain(htlc: Htlc): void {
    this.tell(htlc, { kind: 'failedOnChain' });
    this.resolve(htlc, { settled: false, offchain: false });
  }

  /** The preimage is kept for the claim that the next block confirms. */
  claimOnChain(htlc: Htlc, preimage: Uint8Array): void {
    if (htlc.claim || htlc.stage === 'final') return;
    htlc.claim = preimage;
    if (!htlc.volatile) this.output.journal({ type: 'claim', ...keyOf(htlc), preimage });
  }

  /** The HTLCs of closed channels that a block decides: claimed ones, and expired ones. */
  resolveOnChain(height: number): Htlc[] {
    const resolved: Htlc[] = [];
    for (const htlc of this.onChain) {
      if (htlc.claim) {
        this.tell(htlc, { kind: 'settled', preimage: htlc.claim, onChain: true });
        this.resolve(htlc, { settled: true, offchain: false });
      } else if (height >= htlc.incomingExpiry) {
        this.failOnChain(htlc);
      } else continue;
      resolved.push(htlc);
    }
    return resolved;
  }

  /** Takes back what was journalled, before the node starts. Blocks are not kept here. */
  restore(record: JournalRecord): void {
    if (record.type === 'block') return;
    const channel = this.channel(record.chanId);
    channel.linkUp = false;
    if (record.type === 'htlc') {
      const { type: _, htlcId, ...incoming } = record;
      this.insert(channel, incoming, htlcId);
    } else if (record.type === 'reserve') skipIds(channel, record.htlcId);
    else if (record.type === 'close') this.restoreClose(channel);
    else if (record.type === 'outcome') this.restoreOutcome(record);
    else if (record.type === 'final') this.restoreFinal(record);
    else this.restoreResponse(record);
  }

  private restoreClose(channel: Channel): void {
    channel.closed = true;
    channel.signed = [];
    for (const htlc of channel.htlcs) {
      unanswer(htlc);
      htlc.onChain = true;
      this.onChain.add(htlc);
    }
  }

  private restoreOutcome(record: JournalRecord & { type: 'outcome' }): void {
    const { chanId, htlcId, outcome, senderRef } = record;
    this.bySender.set(senderRef, { chanId, htlcId, outcome });
    const htlc = this.find(record);
    if (htlc) htlc.told = true;
    skipIds(this.channel(chanId), htlcId + 1n);
  }

  private restoreFinal(record: JournalRecord & { type: 'final' }): void {
    const { settled, offchain, stored, chanId, htlcId } = record;
    if (stored) this.finals.set(circuitText(record), { settled, offchain });
    const channel = this.channel(chanId);
    channel.signed = channel.signed.filter((htlc) => htlc.htlcId !== htlcId);
    const htlc = this.find(record);
    if (htlc && settled) this.received += htlc.incomingAmountMsat;
    if (htlc) this.forget(htlc);
    skipIds(channel, htlcId + 1n);
  }

  private restoreResponse(record: JournalRecord & { type: 'response' | 'claim' }): void {
    const htlc = this.find(record);
    if (!htlc) return;
    if (record.type === 'claim') htlc.claim = record.preimage;
    else {
      htlc.stage = 'signed';
      htlc.response = record.response;
      this.channel(htlc.chanId).signed.push(htlc);
    }
  }

  private channel(chanId: bigint): Channel {
    let channel = this.channels.get(chanId);
    if (!channel) {
      channel = newChannel(chanId);
      this.channels.set(chanId, channel);
    }
    return channel;
  }
}

function keyOf({ chanId, htlcId }: CircuitKey): CircuitKey {
  return { chanId, htlcId };
}
