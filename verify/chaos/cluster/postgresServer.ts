import type { Log } from '../../../src/actors/ports/log.ts';
import { startEmbeddedPostgres } from '../../../src/adapters/postgres/embedded.ts';

/**
 * A PostgreSQL server in the care of a process of its own, so that it can be killed without us: started with the
 * data directory as its argument, tells where the server is, and ends with it.
 */
const line =
  (level: string): Log['info'] =>
  (fields, message) =>
    process.stderr.write(`${JSON.stringify({ level, time: new Date(), ...fields, msg: message })}\n`);
const log: Log = {
  debug: line('debug'),
  info: line('info'),
  warn: line('warn'),
  error: line('error'),
  child: () => log,
};

const dataDir = process.argv[2];
if (!dataDir) throw new Error('needs the data directory');
// Also on the loss of the channel, which is the end of the run: the server's own watcher does the rest.
process.on('disconnect', () => process.exit(0));
const server = await startEmbeddedPostgres({
  dataDir,
  log,
  settings: { max_connections: '100', fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' },
});
process.on('SIGTERM', () => void server.stop());
void server.ended.then(() => process.exit(0));
process.send?.({ dsn: server.dsn, pid: server.pid });
