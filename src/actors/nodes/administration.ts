import type { NodeId } from '../../domain/hash.ts';
import type { Clock } from '../ports/clock.ts';
import type { BatchOutcome } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';
import type { Drain, NodeFees, NodeStore, Period } from '../ports/nodeStore.ts';
import type { DrainResult, FeesResult, HeldParts, NodeName, NodeReport, Nodes } from '../ports/nodes.ts';
import type { AdministeredLink } from './link.ts';
import { reportOf } from './report.ts';
import type { ConfiguredNode, RouteHints } from './routeHints.ts';

export interface NodeAdministrationOptions {
  readonly nodes: readonly ConfiguredNode[];
  readonly hints: RouteHints;
  readonly store: NodeStore;
  readonly epoch: bigint;
  readonly clock: Clock;
  readonly log: Log;
  /** HTLCs for us on a node that are not over. */
  readonly held: (nodeId: NodeId) => HeldParts;
  /** Another leader has taken over: this process must stop. */
  readonly onFenced: () => void;
}

const NOTHING = { feeMsat: 0n, amountMsat: 0n, parts: 0n, partsWithoutFee: 0n };

type Written<T> =
  | { readonly result: 'written'; readonly results: readonly T[] }
  | Extract<DrainResult, { result: 'unavailable' | 'unknown' }>;

/** The operator's view of the nodes, and his orders. An order is durable before anything follows from it. */
export class NodeAdministration implements Nodes {
  readonly #options: NodeAdministrationOptions;
  readonly #links = new Map<NodeId, AdministeredLink>();
  readonly #drains = new Map<NodeId, Drain>();

  constructor(options: NodeAdministrationOptions) {
    this.#options = options;
  }

  /** Takes up the orders that stand. Call it before links are attached. */
  async recover(): Promise<void> {
    const { store, hints, log } = this.#options;
    for (const drain of await store.readDrains()) {
      const node = this.#find({ nodeId: drain.nodeId });
      if (node === undefined) continue;
      this.#drains.set(drain.nodeId, drain);
      hints.setDraining(drain.nodeId, true);
      log.warn({ node: node.name, refusesParts: drain.refusesParts }, 'Node is drained by an earlier order');
    }
  }

  attach(link: AdministeredLink): void {
    this.#links.set(link.nodeId, link);
    if (this.#drains.has(link.nodeId)) link.drain();
  }

  /** Whether new parts over this node are refused. */
  refusesParts(nodeId: NodeId): boolean {
    return this.#drains.get(nodeId)?.refusesParts ?? false;
  }

  list(): readonly NodeReport[] {
    return this.#options.nodes.flatMap((node) => this.#report(node) ?? []);
  }

  async drain(name: NodeName, refusesParts: boolean): Promise<DrainResult> {
    const node = this.#find(name);
    if (node === undefined) return this.#notFound();
    const { store, epoch, clock, hints, log } = this.#options;
    const { nodeId } = node;
    const order = { nodeId, refusesParts, since: clock.now() };
    const written = await this.#write(() => store.drain(epoch, order));
    if (written.result !== 'written') return written;
    this.#drains.set(nodeId, written.results[0] ?? order);
    hints.setDraining(nodeId, true);
    this.#links.get(nodeId)?.drain();
    log.info({ node: node.name, refusesParts }, 'Node is drained');
    return this.#done(node);
  }

  async undrain(name: NodeName): Promise<DrainResult> {
    const node = this.#find(name);
    if (node === undefined) return this.#notFound();
    const { store, epoch, clock, hints, log } = this.#options;
    const { nodeId } = node;
    const written = await this.#write(() => store.undrain(epoch, nodeId, clock.now()));
    if (written.result !== 'written') return written;
    this.#drains.delete(nodeId);
    hints.setDraining(nodeId, false);
    this.#links.get(nodeId)?.undrain();
    log.info({ node: node.name }, 'Node is no longer drained');
    return this.#done(node);
  }

  async fees(period: Period): Promise<FeesResult> {
    const { nodes, store } = this.#options;
    let earned: readonly NodeFees[];
    try {
      earned = await store.readFees(period);
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
    const ofNode = new Map(earned.map((fees) => [fees.nodeId, fees]));
    const configured = nodes.map(({ nodeId, name }) => ({ ...NOTHING, ...ofNode.get(nodeId), nodeId, name }));
    const names = new Set(nodes.map(({ nodeId }) => nodeId));
    const others = earned.filter(({ nodeId }) => !names.has(nodeId));
    return { ok: true, nodes: [...configured, ...others.map((fees) => ({ ...fees, name: undefined }))] };
  }

  #find(name: NodeName): ConfiguredNode | undefined {
    return this.#options.nodes.find((node) =>
      'nodeId' in name ? node.nodeId === name.nodeId : node.name === name.name,
    );
  }

  #report(node: ConfiguredNode): NodeReport | undefined {
    const status = this.#links.get(node.nodeId)?.status();
    if (status === undefined) return undefined;
    const { hints, held } = this.#options;
    const drain = this.#drains.get(node.nodeId);
    return reportOf({ node, status, hints, held: held(node.nodeId), drain });
  }

  #done(node: ConfiguredNode): DrainResult {
    const report = this.#report(node);
    if (report) return { result: 'done', node: report };
    return { result: 'unavailable', reason: 'lnmux is starting: the order stands, ask for it again' };
  }

  #notFound(): DrainResult {
    return { result: 'not_found', known: this.#options.nodes.map(({ name }) => name) };
  }

  /** Orders say how it shall be, so one without a clean answer is simply given again. */
  async #write<T>(submit: () => Promise<BatchOutcome<T>>): Promise<Written<T>> {
    const first = await submit();
    const outcome = first.kind === 'ambiguous' ? await submit() : first;
    switch (outcome.kind) {
      case 'acknowledged':
        return { result: 'written', results: outcome.results };
      case 'fenced':
        this.#options.onFenced();
        return { result: 'unavailable', reason: 'another lnmuxd leads now: ask that one' };
      case 'ambiguous':
        return { result: 'unknown', reason: `the database gave no clear answer: ${outcome.error}` };
      case 'failed':
        return first.kind === 'ambiguous'
          ? { result: 'unknown', reason: `the database gave no clear answer: ${outcome.error}` }
          : { result: 'unavailable', reason: `not written: ${outcome.error}` };
    }
  }
}
