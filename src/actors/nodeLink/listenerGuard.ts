import type { Log } from '../ports/log.ts';
import type { FinalHtlc, HtlcOffer, NodeLink, NodeLinkListener } from '../ports/nodeLink.ts';
import type { NodeLinkCounters } from './status.ts';

interface ListenerGuardDeps {
  readonly link: NodeLink;
  readonly listener: NodeLinkListener;
  readonly log: Log;
  readonly counters: NodeLinkCounters;
  readonly turnEnd: (fn: () => void) => void;
}

/**
 * Calls the listener. It must not throw; when it does, that one call is lost and logged, and nothing else: an
 * HTLC whose offer was lost stays unanswered, which lnd ends by itself.
 */
export class ListenerGuard {
  readonly #deps: ListenerGuardDeps;
  #turnOpen = false;

  constructor(deps: ListenerGuardDeps) {
    this.#deps = deps;
  }

  offered(offer: HtlcOffer): void {
    const { link, listener } = this.#deps;
    try {
      listener.offered(link, offer);
    } catch (error) {
      this.#report('offered', error);
    }
    if (listener.offersEnd && !this.#turnOpen) {
      this.#turnOpen = true;
      this.#deps.turnEnd(() => this.#endTurn());
    }
  }

  finalised(final: FinalHtlc): void {
    this.#call('finalised', () => this.#deps.listener.finalised(this.#deps.link, final));
  }

  heightChanged(height: number): void {
    this.#call('heightChanged', () => this.#deps.listener.heightChanged(this.#deps.link, height));
  }

  connected(): void {
    this.#call('connected', () => this.#deps.listener.connected(this.#deps.link));
  }

  disconnected(reason: string): void {
    this.#call('disconnected', () => this.#deps.listener.disconnected(this.#deps.link, reason));
  }

  readinessChanged(): void {
    this.#call('readinessChanged', () => this.#deps.listener.readinessChanged(this.#deps.link));
  }

  #endTurn(): void {
    this.#turnOpen = false;
    this.#call('offersEnd', () => this.#deps.listener.offersEnd?.(this.#deps.link));
  }

  #call(name: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(name, error);
    }
  }

  #report(name: string, error: unknown): void {
    this.#deps.counters.listenerErrors++;
    this.#deps.log.error(
      { call: name, error: error instanceof Error ? error.message : String(error) },
      'Listener of the node link threw',
    );
  }
}
