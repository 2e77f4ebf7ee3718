import type { Clock } from '../../actors/ports/clock.ts';

/** How long the database may take for the smallest of questions before it counts as away. */
const PING_TIMEOUT_MS = 3_000;
/** How often it is asked. */
const PING_EVERY_MS = 1_000;

/** What this process is to the others on its database. */
export type Role = 'starting' | 'standby' | 'leader' | 'stopping';

interface Node {
  readonly name: string;
  readonly state: string;
  readonly ready: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  readonly role: Role;
  readonly missing: readonly string[];
  readonly nodes: readonly Node[];
}

const ROLES: Readonly<Record<Exclude<Role, 'leader'>, string>> = {
  starting: 'still starting',
  standby: 'the lead: another lnmuxd has it, this one takes over when it ends',
  stopping: 'shutting down',
};

/**
 * Whether payments are taken: the database answers, this process leads, and at least one node is ready. Parts of the
 * daemon report here as they come up; probes and the gRPC health service read.
 */
export class ReadinessMonitor {
  #role: Role = 'starting';
  #database: string | undefined = 'the database: not connected yet';
  #nodes: () => readonly Node[] = () => [];
  #timer: unknown;
  readonly #clock: Clock;
  readonly #listeners = new Set<(ready: boolean) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  become(role: Role): void {
    // The end is final: a lead that is won at that moment changes nothing.
    if (this.#role !== 'stopping') this.#role = role;
    this.#tell();
  }

  /** Asks the database every second from now on, one question at a time. */
  watchDatabase(ping: () => Promise<void>): void {
    this.#database = undefined;
    this.#askLater(ping);
  }

  watchNodes(nodes: () => readonly Node[]): void {
    this.#nodes = nodes;
  }

  /** Calls `listener` now, and each second while the database answers. */
  follow(listener: (ready: boolean) => void): () => void {
    this.#listeners.add(listener);
    listener(this.report().ready);
    return () => this.#listeners.delete(listener);
  }

  report(): Readiness {
    const nodes = this.#nodes();
    const missing: string[] = [];
    if (this.#role !== 'leader') missing.push(ROLES[this.#role]);
    if (this.#database !== undefined) missing.push(this.#database);
    if (this.#role === 'leader' && !nodes.some((node) => node.ready)) {
      const states = nodes.map(({ name, state }) => `${name} ${state}`).join(', ');
      missing.push(
        nodes.length === 0 ? 'lnd nodes: none is configured' : `an lnd node that is ready: ${states}`,
      );
    }
    return { ready: missing.length === 0, role: this.#role, missing, nodes };
  }

  stop(): void {
    this.become('stopping');
    this.#clock.clearTimeout(this.#timer);
  }

  #askLater(ping: () => Promise<void>): void {
    this.#timer = this.#clock.setTimeout(() => void this.#ask(ping), PING_EVERY_MS);
  }

  async #ask(ping: () => Promise<void>): Promise<void> {
    const late = this.#clock.setTimeout(() => {
      this.#database = `the database: no answer for ${PING_TIMEOUT_MS / 1_000} s`;
      this.#tell();
    }, PING_TIMEOUT_MS);
    try {
      await ping();
      this.#database = undefined;
    } catch (error) {
      this.#database = `the database: ${error instanceof Error ? error.message : String(error)}`;
    }
    this.#clock.clearTimeout(late);
    this.#tell();
    if (this.#role !== 'stopping') this.#askLater(ping);
  }

  #tell(): void {
    const { ready } = this.report();
    for (const listener of this.#listeners) listener(ready);
  }
}
