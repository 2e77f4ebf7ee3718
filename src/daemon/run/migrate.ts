import { formatProblem, loadConfig } from '../config/load.ts';
import { EXIT } from '../exit.ts';
import type { MigrateCommand } from '../lnmuxdCommand.ts';
import { createLogger } from '../logging/logger.ts';

/** `lnmuxd migrate …`: brings the schema of the configured database to a version, and says so on stdout. */
export async function migrateDatabase(command: MigrateCommand): Promise<number> {
  const loaded = loadConfig({ path: command.config, strict: command.strict, env: process.env });
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT.failed;
  }
  const { parseDsn } = await import('../../adapters/postgres/dsn.ts');
  const { Migrator } = await import('../../adapters/postgres/migrate.ts');
  const { db, logging } = loaded.config;
  const embedded = db.dsn ? undefined : await startEmbedded(db.dataDir, logging);
  try {
    const migrator = new Migrator(parseDsn(db.dsn?.reveal() ?? embedded!.dsn));
    const { from, to } = await perform(migrator, command.migrate);
    process.stdout.write(from === to ? `version is ${to}\n` : `migrated from version ${from} to ${to}\n`);
    return EXIT.ok;
  } catch (error) {
    process.stderr.write(`lnmuxd migrate: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  } finally {
    await embedded?.stop();
  }
}

async function startEmbedded(dataDir: string, logging: Parameters<typeof createLogger>[0]['config']) {
  const { startEmbeddedPostgres } = await import('../../adapters/postgres/embedded.ts');
  return startEmbeddedPostgres({ dataDir, log: await createLogger({ config: logging }) });
}

type Migrator = InstanceType<typeof import('../../adapters/postgres/migrate.ts').Migrator>;

async function perform(migrator: Migrator, action: MigrateCommand['migrate']) {
  switch (action.action) {
    case 'init':
      return migrator.init();
    case 'up':
      return migrator.up(action.target, { node: action.node });
    case 'down':
      return migrator.down();
    case 'reset':
      return migrator.reset();
    case 'set_version':
      return migrator.setVersion(action.version);
    case 'version': {
      const version = await migrator.version();
      return { from: version, to: version };
    }
  }
}
