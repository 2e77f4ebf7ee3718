import type { NodeId } from '../../domain/hash.ts';
import { virtualChannelId } from '../../domain/virtualChannel.ts';
import type { RouteHint } from '../../lightning/bolt11.ts';
import type { Log } from '../ports/log.ts';
import type { RoutingPolicy } from '../supervisor/admission.ts';

/** Which nodes new invoices name: those that can take a payment now, or every one that is configured. */
export type RouteHintRule = 'healthy' | 'all';

/** An lnd node as the configuration knows it. */
export interface ConfiguredNode {
  readonly nodeId: NodeId;
  readonly name: string;
  /** Higher comes first; among equals, the order of the configuration. */
  readonly priority: number;
}

/** Why new invoices don't name a node. */
export type HintAbsence = 'draining' | 'not_ready' | 'beyond_max';

export interface RouteHintsOptions {
  readonly nodes: readonly ConfiguredNode[];
  readonly policy: RoutingPolicy;
  readonly rule: RouteHintRule;
  /** Most hints in an invoice. A node beyond it steps in where one before it is away. */
  readonly maxHints: number;
  readonly log: Log;
}

/**
 * The route hints of new invoices. They are made anew when a node's state changes, never per invoice: the encoder
 * keeps the bytes of an array that it has seen.
 *
 * Where no node is ready, every node that is not drained is named. An invoice is paid minutes after it was made, and
 * an lnd that is away is usually back by then; to refuse would close the shop for every restart. Where all nodes are
 * drained there are none: the operator wants no new payments.
 */
export class RouteHints {
  readonly #options: RouteHintsOptions;
  readonly #inOrder: readonly ConfiguredNode[];
  readonly #ready = new Set<NodeId>();
  readonly #draining = new Set<NodeId>();
  #named: readonly NodeId[] | undefined;
  #current: readonly RouteHint[] | undefined = [];

  constructor(options: RouteHintsOptions) {
    this.#options = options;
    this.#inOrder = [...options.nodes].sort((a, b) => b.priority - a.priority);
    this.#choose();
  }

  /** What an invoice that is made now says: the same array while nothing changes. Undefined: all are drained. */
  get current(): readonly RouteHint[] | undefined {
    return this.#current;
  }

  setReady(nodeId: NodeId, ready: boolean): void {
    if (ready) this.#ready.add(nodeId);
    else this.#ready.delete(nodeId);
    this.#choose();
  }

  setDraining(nodeId: NodeId, draining: boolean): void {
    if (draining) this.#draining.add(nodeId);
    else this.#draining.delete(nodeId);
    this.#choose();
  }

  /** Why new invoices don't name this node; undefined when they do. */
  absence(nodeId: NodeId): HintAbsence | undefined {
    if (this.#named?.includes(nodeId)) return undefined;
    if (this.#draining.has(nodeId)) return 'draining';
    return this.#options.rule === 'healthy' && !this.#ready.has(nodeId) ? 'not_ready' : 'beyond_max';
  }

  /** Whether new invoices name this node, in one sentence. */
  words(nodeId: NodeId): string {
    const { rule, maxHints } = this.#options;
    switch (this.absence(nodeId)) {
      case 'draining':
        return 'not named in new invoices: it is drained';
      case 'not_ready':
        return 'not named in new invoices: it is not ready';
      case 'beyond_max':
        return `not named in new invoices: ${maxHints} others come before it (priority, maxRouteHints)`;
      case undefined:
        if (rule === 'all' || this.#ready.has(nodeId)) return 'named in new invoices';
        return 'named in new invoices although it is not ready, since no node is';
    }
  }

  #choose(): void {
    const { nodes, policy, rule, maxHints, log } = this.#options;
    const open = this.#inOrder.filter(({ nodeId }) => !this.#draining.has(nodeId));
    const healthy = rule === 'all' ? open : open.filter(({ nodeId }) => this.#ready.has(nodeId));
    const chosen = (healthy.length > 0 ? healthy : open).slice(0, maxHints);
    const named = chosen.map(({ nodeId }) => nodeId);
    const before = this.#named;
    if (before?.join() === named.join()) return;
    this.#named = named;
    const hints = named.map((nodeId) => ({ nodeId, chanId: virtualChannelId(nodeId), ...policy }));
    this.#current = hints.length > 0 || nodes.length === 0 ? hints : undefined;
    const fields = { nodes: chosen.map(({ name }) => name), configured: nodes.length };
    if (before === undefined || healthy.length > 0) log.info(fields, 'Route hints of new invoices');
    else log.warn(fields, 'No node is ready: new invoices name every one that is not drained');
  }
}
