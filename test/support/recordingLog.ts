import type { Log, LogFields } from '../../src/actors/ports/log.ts';
import type { PartId } from '../../src/domain/htlcKey.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export class RecordingLog implements Log {
  readonly lines: LogLine[] = [];

  debug(fields: LogFields, message: string): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(fields: LogFields, message: string): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(fields: LogFields, message: string): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(fields: LogFields, message: string): void {
    this.lines.push({ level: 'error', message, fields });
  }

  child(): Log {
    return this;
  }

  /** Lines about an HTLC, by either of the names that the Go program used. */
  ofHtlc(id: PartId): readonly LogLine[] {
    return this.lines.filter(({ fields: { node, circuitKey, chanID, htlcID } }) => {
      return `${node}:${circuitKey ?? `${chanID}:${htlcID}`}` === id;
    });
  }

  of(message: string): readonly LogLine[] {
    return this.lines.filter((line) => line.message === message);
  }
}
