import type { ShopApplication } from './application.ts';
import type { Counters } from './counters.ts';
import type { DaemonHost } from './daemon.ts';
import type { DatabaseServer } from './databaseServer.ts';
import type { LndNode } from './lndNode.ts';
import type { FaultKind, FaultPlan } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

export interface FaultWorld {
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly hosts: readonly DaemonHost[];
  readonly nodes: readonly LndNode[];
  readonly database: DatabaseServer;
  readonly app: ShopApplication;
  mine(blocks: number): void;
}

/** lnd frees the slot of a client that answers no keepalive after this. */
const KEEPALIVE_MS = 80_000;

/** Does what the plan has drawn, and takes it back after its time. */
export class Nemesis {
  readonly #world: FaultWorld;
  readonly #undo = new Set<() => void>();

  constructor(world: FaultWorld) {
    this.#world = world;
  }

  strike(fault: FaultPlan): void {
    if (this.#deed[fault.kind](fault, this.#world.nodes[fault.node]!))
      this.#world.counters.hit(`fault.${fault.kind}`);
  }

  /** Everything that lasts ends now. */
  heal(): void {
    for (const undo of [...this.#undo]) undo();
  }

  #host({ dice }: FaultPlan): DaemonHost {
    const { hosts } = this.#world;
    const leading = hosts.filter((host) => host.supervisor);
    // Mostly the leader: it is the one that has something to lose.
    if (leading.length > 0 && dice < 0.85) return leading[Math.floor(dice * 1e6) % leading.length]!;
    return hosts[Math.floor(dice * 1e6) % hosts.length]!;
  }

  #lasting({ durationMs, label }: FaultPlan, undo: () => void): true {
    const end = () => {
      if (this.#undo.delete(end)) undo();
    };
    this.#undo.add(end);
    this.#world.scheduler.after(durationMs, `${label} ends`, end);
    return true;
  }

  #crash(fault: FaultPlan, host: boolean): boolean {
    const daemon = this.#host(fault);
    if (!daemon.process) return false;
    daemon.crash({ host, restartMs: fault.durationMs });
    return true;
  }

  #pause(fault: FaultPlan): boolean {
    const daemon = this.#host(fault);
    const { process, connections } = daemon;
    if (!process || process.stopped) return false;
    const { scheduler, counters } = this.#world;
    daemon.stopProcess();
    const end = () => {
      if (!this.#undo.delete(end) || !process.alive) return;
      daemon.resumeProcess(process);
    };
    this.#undo.add(end);
    const long = fault.dice * 7 > 3;
    scheduler.after(long ? 95_000 : fault.durationMs, `${fault.label} ends`, end);
    scheduler.after(KEEPALIVE_MS, `${fault.label} is noticed`, () => {
      if (!process.stopped || !process.alive) return;
      for (const connection of connections)
        if (connection.processStopped()) counters.hit('lnd.droppedStopped');
    });
    return true;
  }

  #cut({ dice }: FaultPlan, node: LndNode): boolean {
    const style = Math.floor(dice * 5);
    const open = [...node.connections].filter((connection) => connection.isOpen);
    for (const connection of open) {
      connection.break({
        clientNotices: style !== 1 && style !== 2,
        serverNotices: style !== 2 && style !== 3,
      });
    }
    return open.length > 0;
  }

  #endStream({ dice }: FaultPlan, node: LndNode): boolean {
    const which = (['events', 'blocks', 'interceptor'] as const)[Math.floor(dice * 3)]!;
    const open = [...node.connections].filter((connection) => connection.isOpen);
    for (const connection of open) connection.endStream(which);
    return open.length > 0;
  }

  #restartLnd(fault: FaultPlan, node: LndNode): boolean {
    if (!node.isUp) return false;
    node.stop();
    const slow = fault.dice < 0.3;
    return this.#lasting(fault, () => {
      node.start(!slow);
      if (slow)
        this.#world.scheduler.after(1_500, `${node.name} switch starts`, () =>
          node.core.setSwitchStarted(true),
        );
    });
  }

  /** A node is away while the chain goes on: what waits for it comes close to its deadline. */
  #squeeze(fault: FaultPlan, node: LndNode): boolean {
    if (!this.#restartLnd(fault, node)) return false;
    const blocks = 2 + Math.floor(fault.dice * 40);
    if ((fault.dice * 1_000) % 1 < 0.5) {
      const flaky = () => {
        for (const kind of ['error', 'ambiguousCommitted', 'error', 'ambiguousLost'] as const)
          this.#arm(kind);
      };
      this.#world.scheduler.after(fault.durationMs * 0.6, `${fault.label} database`, flaky);
    }
    for (let i = 0; i < blocks; i += 1) {
      const at = (fault.durationMs * (i + 1)) / blocks;
      this.#world.scheduler.after(at, `${fault.label} block`, () => this.#world.mine(1));
    }
    return true;
  }

  #flap(fault: FaultPlan, node: LndNode): boolean {
    const chanId = node.channels[fault.channel % node.channels.length]!;
    node.core.unlink(chanId);
    return this.#lasting(fault, () => node.core.relink(chanId));
  }

  #closeChannel(fault: FaultPlan, node: LndNode): boolean {
    // At least one channel per node stays, or nothing could be paid any more.
    if (!node.isUp || node.channels.length < 2) return false;
    node.core.forceClose(node.channels[1 + (fault.channel % (node.channels.length - 1))]!);
    return true;
  }

  readonly #deed: Record<FaultKind, (fault: FaultPlan, node: LndNode) => boolean> = {
    crash: (fault) => this.#crash(fault, false),
    hostCrash: (fault) => this.#crash(fault, true),
    restart: (fault) => {
      const daemon = this.#host(fault);
      daemon.end(fault.durationMs);
      return daemon.process !== undefined;
    },
    pause: (fault) => this.#pause(fault),
    cut: (fault, node) => this.#cut(fault, node),
    streamEnd: (fault, node) => this.#endStream(fault, node),
    lndRestart: (fault, node) => this.#restartLnd(fault, node),
    peerFlap: (fault, node) => this.#flap(fault, node),
    forceClose: (fault, node) => this.#closeChannel(fault, node),
    blocks: (fault) => {
      const few = (fault.dice * 100) % 1 < 0.6;
      this.#world.mine(1 + Math.floor(fault.dice * (few ? 6 : 30)));
      return true;
    },
    squeeze: (fault, node) => this.#squeeze(fault, node),
    reorg: (fault, node) => {
      node.core.reorg(1 + Math.floor(fault.dice * 3));
      return true;
    },
    chainStall: (fault, node) => {
      node.setStalled(true);
      return this.#lasting(fault, () => node.setStalled(false));
    },
    unsynced: (fault, node) => {
      node.synced = false;
      return this.#lasting(fault, () => {
        node.synced = true;
      });
    },
    flagsOff: (fault, node) => {
      node.flagsRight = false;
      return this.#lasting(fault, () => {
        node.flagsRight = true;
      });
    },
    loseFinals: (fault, node) => {
      node.core.change({ loseFinalEvents: true });
      return this.#lasting(fault, () => node.core.change({ loseFinalEvents: false }));
    },
    lookupsFail: (fault, node) => {
      node.lookupsFail = true;
      return this.#lasting(fault, () => {
        node.lookupsFail = false;
      });
    },
    switchStall: (fault, node) => {
      node.core.setStalled(true);
      return this.#lasting(fault, () => node.core.setStalled(false));
    },
    backpressure: (fault, node) => {
      node.backpressureUntil = this.#world.scheduler.now + fault.durationMs;
      return this.#lasting(fault, () => {
        node.backpressureUntil = 0;
      });
    },
    dbError: () => this.#arm('error'),
    dbAmbiguousLost: () => this.#arm('ambiguousLost'),
    dbAmbiguousCommitted: () => this.#arm('ambiguousCommitted'),
    dbLateInDoubt: () => this.#arm('lateInDoubt'),
    dbLateQueued: () => this.#arm('lateQueued'),
    dbFlaky: (fault) => {
      const kinds = ['error', 'ambiguousLost', 'ambiguousCommitted', 'lateInDoubt', 'error'] as const;
      for (let i = 0; i < 4; i += 1) this.#arm(kinds[Math.floor(fault.dice * 5 ** (i + 1)) % kinds.length]!);
      return true;
    },
    dbSlow: (fault) => {
      if (fault.dice < 0.5) return this.#arm('slow');
      this.#world.database.slowFor(fault.durationMs);
      return true;
    },
    dbReadError: () => {
      this.#world.database.armRead();
      return true;
    },
    dbDown: (fault) => {
      this.#world.database.goDown(Math.min(fault.durationMs, 15_000));
      return true;
    },
    dbFailover: (fault) => {
      this.#world.database.failOver(Math.min(fault.durationMs, 10_000));
      return true;
    },
    appCrash: (fault) => {
      this.#world.app.crash(fault.durationMs);
      return true;
    },
    appSlow: (fault) => {
      this.#world.app.slow(fault.durationMs);
      return true;
    },
    drain: (fault, node) => {
      node.refusesParts = true;
      return this.#lasting(fault, () => {
        node.refusesParts = false;
      });
    },
    clockJump: (fault) => {
      const { process } = this.#host(fault);
      if (!process) return false;
      process.clockOffsetMs = (fault.dice - 0.5) * 2 * 3_600_000;
      return this.#lasting(fault, () => {
        process.clockOffsetMs = 0;
      });
    },
  };

  #arm(fault: Parameters<DatabaseServer['arm']>[0]): true {
    this.#world.database.arm(fault);
    return true;
  }
}
