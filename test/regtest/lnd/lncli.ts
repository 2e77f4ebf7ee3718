import { execFile } from 'node:child_process';
import { lncliArgs } from './arguments.ts';
import { environment } from './processes.ts';

export interface LncliTarget {
  /** The program. */
  readonly binary: string;
  /** For errors: whose lnd it is. */
  readonly name: string;
  readonly dir: string;
  readonly rpcPort: number;
  /** Where lncli looks for settings of its own: there are none. */
  readonly home: string;
}

/** A call of lncli that failed. */
export class LncliError extends Error {
  override readonly name = 'LncliError';
  /** What it printed before. */
  readonly stdout: string;
  /** Its words: `[lncli] rpc error: code = Unavailable desc = …`. */
  readonly reason: string;

  constructor(target: string, args: readonly string[], reason: string, stdout: string) {
    super(`lncli ${args[0]} on ${target}: ${reason}`);
    this.reason = reason;
    this.stdout = stdout;
  }

  /** lnd was not there, or went away: nothing is known of what was asked. */
  get isLost(): boolean {
    return /code = (Unavailable|Canceled)|connection (refused|reset)|transport is closing|\bEOF\b/.test(
      this.reason,
    );
  }
}

const MAX_OUTPUT = 64 * 1024 * 1024;
const CALL_LIMIT_MS = 60_000;

/** lncli against one lnd. */
export class Lncli {
  readonly #target: LncliTarget;

  constructor(target: LncliTarget) {
    this.#target = target;
  }

  /** What it prints. Rejects with LncliError when it fails or takes too long. */
  call(args: readonly string[], limitMs = CALL_LIMIT_MS): Promise<string> {
    const { binary, name, home } = this.#target;
    const all = [...lncliArgs(this.#target), ...args];
    const env = environment(home);
    return new Promise((resolve, reject) => {
      const options = {
        env,
        cwd: home,
        timeout: limitMs,
        killSignal: 'SIGKILL' as const,
        maxBuffer: MAX_OUTPUT,
      };
      execFile(binary, all, options, (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const reason = error.killed
          ? `no answer within ${limitMs / 1_000} s`
          : stderr.trim() || error.message.split('\n')[0]!;
        return reject(new LncliError(name, args, reason, stdout));
      });
    });
  }
}
