import pino, { type DestinationStream } from 'pino';
import type { Log, LogFields } from '../../actors/ports/log.ts';
import type { LoggingConfig } from '../config/types.ts';
import { scrubFields } from './scrub.ts';

export interface LoggerOptions {
  readonly config: Pick<LoggingConfig, 'level' | 'format' | 'withCaller'>;
  /** Where lines go; stderr unless given. */
  readonly destination?: DestinationStream;
  /** Whether the destination is a terminal; asked of stderr unless given. */
  readonly terminal?: boolean;
}

/** The core's log, with a level for what ends the daemon. */
export interface Logger extends Log {
  fatal(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

/** The frame outside of this folder and of pino that wrote the line, as `folder/file.ts:line`. */
function caller(): { caller: string } {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const frame = frames.find((line) => !line.includes('/pino/') && !line.includes('/daemon/logging/'));
  const place = /([^/\\]+[/\\][^/\\]+:\d+):\d+\)?$/.exec(frame ?? '');
  return { caller: place?.[1] ?? 'unknown' };
}

/** pino-pretty costs 30 ms to load, so only a terminal pays for it. */
async function prettyStream(destination: DestinationStream, colorize: boolean): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  const lines = pretty.prettyFactory({
    colorize,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => void destination.write(lines(line)) };
}

/** pino leaves a child's own fields as they are; they are scrubbed like all others. */
function scrubbingChildren(logger: pino.Logger, make = logger.child): Logger {
  // Children inherit from their logger: pino's own method has to be handed on, or a grandchild would be a child.
  const scrubbing = {
    child: (fields: LogFields) =>
      scrubbingChildren(make.call(logger, scrubFields(fields)) as unknown as pino.Logger, make),
  };
  return Object.assign(logger, scrubbing) as unknown as Logger;
}

/**
 * The daemon's log: every line is written (no sampling) to stderr, for people on a terminal and as JSON elsewhere.
 * Keys are those of the Go program: level, time, caller, msg. Lines are written at once, so that none is lost in a
 * crash.
 */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const { level, format, withCaller } = options.config;
  const stderr = options.destination ?? pino.destination({ fd: 2, sync: true });
  const terminal = options.terminal ?? process.stderr.isTTY === true;
  const pretty = format === 'console' || (format === 'auto' && terminal);
  const colorize = terminal && process.env.NO_COLOR === undefined;
  const stream = pretty ? await prettyStream(stderr, colorize) : stderr;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => scrubFields(fields),
      },
      // Errors are scrubbed above; pino's own serializer would look at the result again.
      serializers: { err: (value) => value },
      ...(withCaller ? { mixin: caller } : {}),
    },
    stream,
  );
  return scrubbingChildren(logger);
}
