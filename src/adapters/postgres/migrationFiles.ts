import { readdir, readFile } from 'node:fs/promises';

/** One step of the schema, read from migrations/NNNN_name.up.sql and .down.sql. */
export interface MigrationStep {
  readonly version: number;
  readonly name: string;
  readonly up: string;
  readonly down: string;
}

/** The folder belongs to the program, not to the working directory. */
const FOLDER = new URL('../../../migrations/', import.meta.url);

/** All steps in order: versions 1, 2, 3 … without gaps. Versions 1 to 4 are the Go program's. */
export async function readMigrations(folder: URL = FOLDER): Promise<readonly MigrationStep[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.up.sql')).sort();
  return Promise.all(
    names.map(async (file, index) => {
      const match = /^(\d{4})_([a-z_]+)\.up\.sql$/.exec(file);
      if (!match || Number(match[1]) !== index + 1) throw new Error(`migration out of order: ${file}`);
      const [up, down] = await Promise.all([
        readFile(new URL(file, folder), 'utf8'),
        readFile(new URL(file.replace('.up.', '.down.'), folder), 'utf8'),
      ]);
      return { version: index + 1, name: match[2]!, up, down };
    }),
  );
}
