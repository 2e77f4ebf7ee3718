import { type Actor, createActor } from 'xstate';
import type { CircuitKey } from '../../domain/htlcKey.ts';
import { virtualChannelId } from '../../domain/virtualChannel.ts';
import type { LinkFailure, NodeLinkEffect, NodeLinkEvent } from '../../machines/nodeLink/events.ts';
import { DEFAULT_NODE_LINK_LIMITS, type NodeLinkLimits } from '../../machines/nodeLink/limits.ts';
import { isReady, nodeLinkMachine } from '../../machines/nodeLink/machine.ts';
import { ReplyTimes } from '../measures/replyTimes.ts';
import type { LndFailureCode } from '../ports/nodeLink.ts';
import { LinkConnection } from './linkConnection.ts';
import { ListenerGuard } from './listenerGuard.ts';
import type { LiveNodeLink, NodeLinkDeps } from './nodeLinkConfig.ts';
import { healthOf, type NodeLinkStatus, noCounts, stateOf, wordsOf } from './status.ts';
import { DEFAULT_MIN_LND_VERSION, type ValidNode } from './validation.ts';

/** How long `stop` waits for answers that are on their way. */
const FLUSH_MS = 1_000;

/** Makes the link to one lnd. It does nothing before `start`. */
export function createNodeLink(deps: NodeLinkDeps): LiveNodeLink {
  return new StatechartNodeLink(deps);
}

/**
 * The shell of the node link statechart: executes its effects on connections, and turns what connections say
 * into its events. Per connection there is one LinkConnection; what an old one still says is not heard.
 */
class StatechartNodeLink implements LiveNodeLink {
  readonly nodeId;
  readonly #deps: NodeLinkDeps;
  readonly #limits: NodeLinkLimits;
  readonly #guard: ListenerGuard;
  readonly #counters = noCounts();
  readonly #replyTimes: ReplyTimes;
  #actor: Actor<typeof nodeLinkMachine>;
  #connection: LinkConnection | undefined;
  #streams = 0;
  #streamId = 0;
  #height: number | undefined;
  #alias: string | undefined;
  #version: string | undefined;
  #weakness: string | undefined;
  #toldConnected = false;
  #toldReady = false;
  #since: number;
  #rebuild: unknown;
  #stopping: Promise<void> | undefined;

  constructor(deps: NodeLinkDeps) {
    const log = deps.log.child({ node: deps.config.nodeId });
    this.#deps = { ...deps, log };
    this.nodeId = deps.config.nodeId;
    this.#replyTimes = new ReplyTimes(() => deps.clock.now());
    this.#limits = { ...DEFAULT_NODE_LINK_LIMITS, ...deps.config.limits };
    this.#guard = new ListenerGuard({
      link: this,
      listener: deps.listener,
      log,
      counters: this.#counters,
      turnEnd: deps.turnEnd ?? setImmediate,
    });
    this.#since = deps.clock.now();
    this.#actor = this.#newActor();
  }

  get streamId(): number {
    return this.#streamId;
  }

  get ready(): boolean {
    return isReady(this.#actor.getSnapshot());
  }

  start(): void {
    this.#stopping = undefined;
    this.#send({ type: 'link.started', jitter: this.#deps.random() });
  }

  stop(options?: { readonly flushMs?: number }): Promise<void> {
    this.#stopping ??= this.#stop(options?.flushMs ?? FLUSH_MS);
    return this.#stopping;
  }

  drain(): void {
    this.#send({ type: 'drain.requested' });
  }

  undrain(): void {
    this.#send({ type: 'drain.ended' });
  }

  retry(): void {
    this.#send({ type: 'retry.requested' });
  }

  settle(key: CircuitKey, preimage: Uint8Array): boolean {
    return this.#connection?.interception?.settle(key, preimage) ?? false;
  }

  fail(key: CircuitKey, failureOnion: Uint8Array): boolean {
    return this.#connection?.interception?.fail(key, failureOnion) ?? false;
  }

  failWithCode(key: CircuitKey, code: LndFailureCode): boolean {
    return this.#connection?.interception?.failWithCode(key, code) ?? false;
  }

  awaitsAnswer(key: CircuitKey): boolean {
    return this.#connection?.interception?.awaitsAnswer(key) ?? false;
  }

  doubtful(key: CircuitKey): boolean {
    return this.#connection?.doubtful(key) ?? false;
  }

  status(): NodeLinkStatus {
    const snapshot = this.#actor.getSnapshot();
    const held = this.#connection?.interception?.held ?? 0;
    return {
      nodeId: this.nodeId,
      state: stateOf(snapshot),
      health: healthOf(snapshot),
      ready: isReady(snapshot),
      since: this.#since,
      words: wordsOf(snapshot, held),
      draining: snapshot.context.draining,
      alias: this.#alias,
      version: this.#version,
      weakness: this.#weakness,
      height: this.#height,
      streamId: this.#streamId,
      held,
      queued: this.#connection?.interception?.queued ?? 0,
      counters: { ...this.#counters },
      replyTimes: this.#replyTimes,
    };
  }

  #newActor(): Actor<typeof nodeLinkMachine> {
    const { clock, system } = this.#deps;
    const actor = createActor(nodeLinkMachine, {
      id: `nodeLink:${this.nodeId}`,
      input: { limits: this.#limits },
      clock: { setTimeout: (fn, ms) => clock.setTimeout(fn, ms), clearTimeout: (h) => clock.clearTimeout(h) },
      ...(system?.parent ? { parent: system.parent } : {}),
      ...(system?.inspect ? { inspect: system.inspect } : {}),
    });
    actor.on('*', (effect) => this.#execute(effect));
    actor.subscribe({ error: (error) => this.#quarantine(error) });
    actor.start();
    return actor;
  }

  /** The statechart threw, which it never should. Its connection goes; a new actor starts after a pause. */
  #quarantine(error: unknown): void {
    this.#deps.log.error({ error: String(error) }, 'Node link statechart failed and is built anew');
    this.#closeStreams();
    const draining = this.#actor.getSnapshot().context.draining;
    this.#actor = this.#newActor();
    this.#notifyReady();
    this.#notifyDisconnected({ source: 'operator', reason: 'internal error' }, this.#limits.refusedRetryMs);
    if (draining) this.drain();
    this.#rebuild = this.#deps.clock.setTimeout(() => this.start(), this.#limits.refusedRetryMs);
  }

  async #stop(flushMs: number): Promise<void> {
    if (this.#rebuild !== undefined) this.#deps.clock.clearTimeout(this.#rebuild);
    const connection = this.#connection;
    if (connection?.interception && flushMs > 0) await connection.finish(flushMs);
    this.#send({ type: 'link.stopped' });
  }

  /** XState drops events that it has no use for without a word; count them. */
  #send(event: NodeLinkEvent): void {
    if (!this.#actor.getSnapshot().can(event)) {
      this.#counters.unhandledEvents++;
      this.#deps.log.debug({ event: event.type, state: this.status().state }, 'Event without effect');
    }
    this.#actor.send(event);
  }

  /** Runs inside the actor's step: an exception here would kill it. */
  #execute(effect: NodeLinkEffect): void {
    try {
      this.#perform(effect);
    } catch (error) {
      this.#deps.log.error({ effect: effect.type, error: String(error) }, 'Node link effect failed');
      this.#send({
        type: 'connection.failed',
        source: 'operator',
        reason: `${effect.type}: ${error instanceof Error ? error.message : String(error)}`,
        jitter: this.#deps.random(),
      });
    }
  }

  #perform(effect: NodeLinkEffect): void {
    switch (effect.type) {
      case 'link.validate':
        this.#validate();
        break;
      case 'link.openEvents':
        this.#connection?.openEvents();
        break;
      case 'link.lookup':
        this.#connection?.lookUp();
        break;
      case 'link.openBlocks':
        this.#connection?.openBlocks();
        break;
      case 'link.openInterceptor':
        this.#openInterceptor();
        break;
      case 'link.checkSync':
        this.#connection?.checkSync();
        break;
      case 'link.closeStreams':
        this.#closeStreams();
        break;
      case 'link.notifyConnected':
        this.#notifyConnected();
        break;
      case 'link.notifyDisconnected':
        this.#notifyDisconnected(effect.failure, effect.retryMs);
        break;
      case 'link.notifyReady':
        this.#notifyReady();
        break;
      case 'link.alarm':
        this.#deps.log.error({ problem: effect.problem, reason: effect.reason }, 'Node needs attention');
        break;
    }
  }

  #validate(): void {
    this.#closeStreams();
    const { config, client, clock, log, random } = this.#deps;
    const connection = new LinkConnection({
      client,
      clock,
      log,
      random,
      expected: {
        nodeId: config.nodeId,
        network: config.network,
        minLndVersion: config.minLndVersion ?? DEFAULT_MIN_LND_VERSION,
      },
      virtualChannel: config.virtualChannel ?? virtualChannelId(config.nodeId),
      counters: this.#counters,
      replyTimes: this.#replyTimes,
      guard: this.#guard,
      unresolved: () => this.#deps.listener.unresolved(this.nodeId),
      missing: () => this.#deps.listener.missing(this.nodeId),
      send: (event) => this.#send(event),
      validated: (valid) => this.#recordNode(valid),
      heightChanged: (height) => {
        this.#height = height;
      },
    });
    this.#connection = connection;
    connection.validate();
  }

  #recordNode({ alias, version, weakness }: ValidNode): void {
    if (weakness !== undefined && version !== this.#version) {
      this.#deps.log.warn({ version, weakness }, 'This lnd version has known dangers');
    }
    this.#alias = alias;
    this.#version = version;
    this.#weakness = weakness;
  }

  #openInterceptor(): void {
    this.#deps.log.info({}, 'Starting htlc interception');
    this.#streamId = ++this.#streams;
    this.#connection?.openInterceptor();
  }

  #closeStreams(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#streamId = 0;
    connection?.close();
  }

  #notifyConnected(): void {
    this.#counters.connections++;
    this.#toldConnected = true;
    this.#connection?.markOpen();
    this.#deps.log.info({ streamId: this.#streamId, version: this.#version }, 'Htlc interceptor open');
    this.#guard.connected();
  }

  #notifyDisconnected(failure: LinkFailure, retryMs: number): void {
    const fields = { source: failure.source, error: failure.reason, retryMs };
    if (failure.source === 'operator') this.#deps.log.info(fields, 'Node link closed');
    else this.#deps.log.warn(fields, FAILURE_MESSAGES[failure.source]);
    if (!this.#toldConnected) return;
    this.#toldConnected = false;
    this.#guard.disconnected(failure.reason);
  }

  #notifyReady(): void {
    const ready = this.ready;
    if (ready === this.#toldReady) return;
    this.#toldReady = ready;
    this.#since = this.#deps.clock.now();
    this.#deps.log.info({ ready }, ready ? 'Node ready' : 'Node not ready');
    this.#deps.readinessChanged?.(ready);
    this.#guard.readinessChanged();
  }
}

const FAILURE_MESSAGES = {
  validation: 'Node unavailable or misconfigured',
  events: 'Htlc notifier error',
  blocks: 'Htlc interceptor error',
  interceptor: 'Htlc interceptor error',
} as const;
