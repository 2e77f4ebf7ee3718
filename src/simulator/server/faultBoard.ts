import type { Faults } from '../../generated/simulator.ts';
import type { SimulatedNode } from '../node/simulatedNode.ts';

/** Every fault with its value; nothing is left out. */
export type FaultState = { readonly [Name in keyof Faults]-?: NonNullable<Faults[Name]> };

const NO_FAULTS: FaultState = {
  halfOpenSlot: false,
  switchNotStarted: false,
  stalled: false,
  starting: false,
  notifierStarting: false,
  requireInterceptorOff: false,
  storeFinalsOff: false,
  loseFinalEvents: false,
  unsynced: false,
  manualSign: false,
  restartAfterAnswers: 0,
  wrongPubkey: '',
  wrongNetwork: '',
  wrongVersion: '',
};

/** The faults that are on, and their effect on the node's core. Servers read the others from here. */
export class FaultBoard {
  private state: FaultState = NO_FAULTS;
  private readonly node: SimulatedNode;
  private readonly signDelayMs: number | undefined;

  constructor(node: SimulatedNode) {
    this.node = node;
    this.signDelayMs = node.settings.signDelayMs;
  }

  get current(): FaultState {
    return this.state;
  }

  /** Changes the faults given and leaves the others. */
  change(changes: Faults): void {
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    this.state = { ...this.state, ...Object.fromEntries(given) };
    const { state, node } = this;
    node.change({
      requireInterceptor: !state.requireInterceptorOff,
      storeFinals: !state.storeFinalsOff,
      loseFinalEvents: state.loseFinalEvents,
      signDelayMs: state.manualSign ? undefined : this.signDelayMs,
    });
    node.setSwitchStarted(!state.switchNotStarted);
    node.setStalled(state.stalled);
  }

  /** Counts an accepted answer; true when lnd has to restart now, before it is committed. */
  countAnswer(): boolean {
    const left = this.state.restartAfterAnswers;
    if (left === 0) return false;
    this.state = { ...this.state, restartAfterAnswers: left - 1 };
    return left === 1;
  }
}
