/** A process that runs. */
export interface KeptProcess {
  readonly pid: number;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<ProcessEnd>;
  kill(signal: NodeJS.Signals): void;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface KeeperOptions<T extends KeptProcess> {
  /** Starts it; rejects when it ended before it was ready. */
  readonly start: () => Promise<T>;
  /** Between its end and the next start. */
  readonly pauseMs: number;
  readonly onEnd?: (process: T, end: ProcessEnd) => void;
  readonly onFailedStart?: (error: Error) => void;
}

/** Starts again what died, as a service manager does. */
export class Keeper<T extends KeptProcess> {
  readonly #options: KeeperOptions<T>;
  #current: T | undefined;
  #closing = false;
  #running: Promise<void> | undefined;
  #starts = 0;

  constructor(options: KeeperOptions<T>) {
    this.#options = options;
  }

  /** The process, while it runs and is ready. */
  get current(): T | undefined {
    return this.#current;
  }

  get starts(): number {
    return this.#starts;
  }

  /** Starts it for the first time; rejects when that fails. From then on it is kept running. */
  async open(): Promise<T> {
    const first = await this.#start();
    this.#running = this.#keep(first);
    return first;
  }

  /** Stops keeping, ends the process by `signal` and waits for its end. */
  async close(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#closing = true;
    this.#current?.kill('SIGCONT');
    this.#current?.kill(signal);
    await this.#running;
  }

  async #start(): Promise<T> {
    this.#starts++;
    const process = await this.#options.start();
    this.#current = process;
    return process;
  }

  async #keep(first: T): Promise<void> {
    let process: T | undefined = first;
    for (;;) {
      if (process) {
        if (this.#closing) process.kill('SIGKILL');
        const end = await process.ended;
        this.#current = undefined;
        this.#options.onEnd?.(process, end);
      }
      if (this.#closing) return;
      await new Promise((wake) => setTimeout(wake, this.#options.pauseMs));
      if (this.#closing) return;
      process = await this.#start().catch((error: Error) => {
        this.#options.onFailedStart?.(error);
        return undefined;
      });
    }
  }
}
