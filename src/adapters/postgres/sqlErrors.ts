import pg from 'pg';

/** What an error of a statement that was sent says about its effect. */
export type SqlVerdict =
  /** The server rolled it back and said so. */
  | { readonly kind: 'failed'; readonly retryable: boolean; readonly badData: boolean }
  /** It may have been committed. */
  | { readonly kind: 'ambiguous' };

const RETRYABLE = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout; a wait for a standby is never ended this way
  '25006', // read_only_sql_transaction: a fail-over is under way
]);

/**
 * Classifies the error of one autocommitted statement. An ERROR from the server means rolled back. FATAL and PANIC
 * (an administrator's termination, a crash) can come while the commit waits for a standby, so they leave it open;
 * so does everything that is not an answer of the server, such as a lost connection.
 */
export function verdictOf(error: unknown): SqlVerdict {
  if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') return { kind: 'ambiguous' };
  const code = error.code ?? '';
  // Connection exceptions, operator intervention other than a cancel, system errors: nothing is certain.
  if (code.startsWith('08') || (code.startsWith('57') && code !== '57014')) return { kind: 'ambiguous' };
  return {
    kind: 'failed',
    // Class 53: out of disk, memory or connections; 58: input/output errors.
    retryable: RETRYABLE.has(code) || code.startsWith('53') || code.startsWith('58'),
    // Classes 22 and 23: a value that does not fit, a constraint that does not hold.
    badData: code.startsWith('22') || code.startsWith('23'),
  };
}

/**
 * Text for logs and callers: SQLSTATE, message, names. Never `detail`, `where` or parameters: they quote rows, and
 * rows hold preimages.
 */
export function describeSqlError(error: unknown): string {
  if (error instanceof pg.DatabaseError) {
    const names = [error.table, error.constraint].filter((name) => name !== undefined).join('.');
    // Class 22 messages quote the value.
    const message = error.code?.startsWith('22') ? 'a value does not fit' : error.message;
    return `SQLSTATE ${error.code}: ${message}${names && !message.includes(names) ? ` (${names})` : ''}`;
  }
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error instanceof Error ? error.message : String(error);
}
