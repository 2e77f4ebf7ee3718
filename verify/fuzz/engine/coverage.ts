import { type Profiler, Session } from 'node:inspector';

/** Per script, 1 for each byte of source that ran. */
export type Ran = ReadonlyMap<string, Uint8Array>;

/**
 * Which bytes of the project's own source have run, from V8's precise block coverage. Turned on before the target
 * is loaded, it sees every script; it slows the target down a little.
 */
export class Coverage {
  readonly #session = new Session();
  /** Per script, 1 where the source has run. */
  readonly #covered = new Map<string, Uint8Array>();
  readonly #under: string;
  #closed = false;

  /** `under`: scripts whose URL contains this text are looked at. */
  constructor(under: string) {
    this.#under = under;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last call. */
  take(): Ran {
    const scripts = new Map<string, Uint8Array>();
    for (const { url, functions } of this.#scripts()) {
      if (!url.includes(this.#under) || url.includes('/generated/')) continue;
      const end = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
      const ran = new Uint8Array(end);
      // Outer functions and blocks come first, inner ones overwrite them.
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          ran.fill(Math.min(count, 1), startOffset, endOffset);
        }
      }
      scripts.set(url, ran);
    }
    return scripts;
  }

  /** Whether something in it never ran before, as far as {@link add} was told. */
  isNew(scripts: Ran): boolean {
    for (const [url, ran] of scripts) {
      const covered = this.#covered.get(url);
      for (let i = 0; i < ran.length; i++) if (ran[i] === 1 && covered?.[i] !== 1) return true;
    }
    return false;
  }

  add(scripts: Ran): void {
    for (const [url, ran] of scripts) {
      const before = this.#covered.get(url) ?? new Uint8Array();
      const covered = new Uint8Array(Math.max(before.length, ran.length));
      covered.set(before);
      for (let i = 0; i < ran.length; i++) if (ran[i] === 1) covered[i] = 1;
      this.#covered.set(url, covered);
    }
  }

  /** Bytes of source that have run. */
  get size(): number {
    let size = 0;
    for (const covered of this.#covered.values()) for (const each of covered) size += each;
    return size;
  }

  /** Code runs at full speed again. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.post('Profiler.disable');
    this.#session.disconnect();
  }

  #scripts(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
      scripts = result;
    });
    return scripts;
  }
}
