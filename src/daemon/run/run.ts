import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Layer from 'effect/Layer';
import { formatProblem, type LnmuxConfig, loadConfig } from '../config/load.ts';
import { EXIT } from '../exit.ts';
import type { RunCommand } from '../lnmuxdCommand.ts';
import { createLogger, type Logger } from '../logging/logger.ts';
import { apiLayer } from './api.ts';
import { candidacyLayer } from './candidacy.ts';
import { coreLayer, linksLayer, peelerLayer } from './core.ts';
import { databaseLayer } from './database.ts';
import { instrumentsLayer } from './instruments.ts';
import { jobsLayer } from './jobs.ts';
import { leadLayer } from './lead.ts';
import { Settings } from './services.ts';
import { StartupError } from './startupError.ts';

/** The longest an orderly end may take; what is still open then is cut, as in a crash. */
const SHUTDOWN_LIMIT_MS = 20_000;
const ALIVE_MS = 3_600_000;

/**
 * `lnmuxd run`: everything, until a signal or a reason not to go on.
 *
 * Layers come up from left to right and go down in the opposite order: first the API, webhooks, the links, then what is
 * being written, then the lead, the Kubernetes Lease after it, and the database last.
 */
export async function runDaemon(command: RunCommand): Promise<number> {
  const loaded = loadConfig({ path: command.config, strict: command.strict, env: process.env });
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT.failed;
  }
  const log = await createLogger({ config: loaded.config.logging });
  return supervise(loaded.config, log);
}

async function supervise(config: LnmuxConfig, log: Logger): Promise<number> {
  const ending = new AbortController();
  let failure: string | undefined;
  const end = () => {
    if (ending.signal.aborted) return;
    ending.abort();
    setTimeout(() => {
      log.fatal({ limitMs: SHUTDOWN_LIMIT_MS }, 'Shutdown takes too long, leaving');
      process.exit(EXIT.failed);
    }, SHUTDOWN_LIMIT_MS).unref();
  };
  const onSignal = () => {
    log.info({}, 'user requested termination');
    end();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const fatal = (reason: string) => {
    failure ??= reason;
    end();
  };

  const abandon = (reason: string): never => {
    log.fatal({}, reason);
    process.exit(EXIT.failed);
  };
  const settings = { config, log, fatal, abandon };

  // Neither our timers nor signals keep a process alive, and a standby whose database is away has nothing else.
  const alive = setInterval(() => {}, ALIVE_MS);
  const exit = await Effect.runPromiseExit(program(settings), { signal: ending.signal });
  clearInterval(alive);
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  if (Exit.isFailure(exit) && !ending.signal.aborted) failure = describe(Exit.findErrorOption(exit), exit);
  if (failure === undefined) return EXIT.ok;
  log.fatal({}, failure);
  return EXIT.failed;
}

function program(values: Settings['Service']) {
  const settings = Layer.succeed(Settings, values);
  const daemon = apiLayer.pipe(
    Layer.provideMerge(jobsLayer),
    Layer.provideMerge(linksLayer),
    Layer.provideMerge(coreLayer),
    Layer.provideMerge(peelerLayer),
    Layer.provideMerge(leadLayer),
    Layer.provideMerge(candidacyLayer),
    Layer.provideMerge(databaseLayer),
    Layer.provideMerge(instrumentsLayer),
    Layer.provideMerge(settings),
  );
  return Effect.scoped(
    Effect.gen(function* () {
      yield* Layer.build(daemon);
      values.log.info({}, 'Press ctrl-c to exit');
      return yield* Effect.never;
    }),
  );
}

function describe(error: unknown, exit: unknown): string {
  const value = (error as { value?: unknown }).value;
  if (value instanceof StartupError) return value.message;
  return `unexpected: ${String(exit)}`;
}
