import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { JournalRecord } from '../node/types.ts';

const BIGINT = 'n:';
const BYTES = 'x:';

/**
 * Append-only file of JSON lines. Each line is handed to the kernel before the call returns, so it survives a kill
 * of the process, though not a loss of power.
 */
export class JournalFile {
  readonly records: JournalRecord[];
  private readonly fd: number;

  /** Opens or creates the file and reads what is there; a last line that was cut off is removed. */
  constructor(path: string) {
    this.records = existsSync(path) ? readJournal(path) : [];
    this.fd = openSync(path, 'a', 0o600);
  }

  append(record: JournalRecord): void {
    writeSync(this.fd, `${encodeRecord(record)}\n`);
  }

  close(): void {
    closeSync(this.fd);
  }
}

function readJournal(path: string): JournalRecord[] {
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  return whole.split('\n').filter(Boolean).map(decodeRecord);
}

/** One line, without the line break; bigints and bytes are tagged strings. */
export function encodeRecord(record: JournalRecord): string {
  return JSON.stringify(record, function (this: Record<string, unknown>, name, value) {
    // Buffers would have turned themselves into an object by now.
    const original = this[name];
    if (original instanceof Uint8Array) return BYTES + Buffer.from(original).toString('base64');
    return typeof original === 'bigint' ? `${BIGINT}${original}` : value;
  });
}

export function decodeRecord(line: string): JournalRecord {
  return JSON.parse(line, (_name, value: unknown) => {
    if (typeof value !== 'string') return value;
    if (value.startsWith(BIGINT)) return BigInt(value.slice(BIGINT.length));
    if (value.startsWith(BYTES)) return new Uint8Array(Buffer.from(value.slice(BYTES.length), 'base64'));
    return value;
  }) as JournalRecord;
}
