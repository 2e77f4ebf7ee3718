import { status } from '@grpc/grpc-js';
import type { App } from '../../e2e/application.ts';
import { pause } from '../scenarios/eventually.ts';
import type { Stage } from '../scenarios/stage.ts';

const LOOK_MS = 50;
/** Answers after which there is nothing more to ask. */
const FINAL_ANSWERS = new Set<number>([status.OK, status.NOT_FOUND, status.FAILED_PRECONDITION]);

/** What a shop does with a payment: mostly it takes it, now and then it gives it back, or forgets about it. */
export function decisionFor(hash: string): 'settle' | 'cancel' | 'nothing' {
  const tenth = Number.parseInt(hash.slice(0, 4), 16) % 10;
  if (tenth === 0) return 'nothing';
  return tenth === 1 ? 'cancel' : 'settle';
}

/** An application that decides on every payment that is announced, and asks again until it has an answer. */
export class Shop {
  readonly #stage: Stage;
  #isOpen = true;
  #closed: Promise<void> | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  open(): void {
    this.#closed = this.#work();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#closed;
  }

  async #work(): Promise<void> {
    let app: App | undefined;
    let decided = 0;
    while (this.#isOpen) {
      // A new lnmuxd announces again what is open.
      if (app !== this.#stage.app) {
        app = this.#stage.app;
        decided = 0;
      }
      const next = app.accepted[decided];
      if (next && (await this.#decide(app, next))) decided++;
      else await pause(LOOK_MS);
    }
  }

  async #decide(app: App, { hash, setId }: { hash: string; setId: Buffer }): Promise<boolean> {
    const request = { hash: Buffer.from(hash, 'hex'), setId };
    const decision = decisionFor(hash);
    if (decision === 'nothing') return true;
    const method = decision === 'settle' ? app.client.settleInvoice : app.client.cancelInvoice;
    return FINAL_ANSWERS.has(await app.code(method, request));
  }
}
