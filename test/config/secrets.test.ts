import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ConfigResult, formatProblem, loadConfig } from '../../src/daemon/config/load.ts';
import { GOOD, KEY } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'lnmux-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BARE = GOOD.replace(/identityKey.*\n/, '');
const OTHER = 'e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734';
const DSN = 'postgres://u:correcthorse@localhost/fromfile';

let files = 0;

function file(text: string, mode = 0o600, name = `file-${++files}`): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  // The umask has no say in this.
  chmodSync(path, mode);
  return path;
}

function load(text: string, env: NodeJS.ProcessEnv = {}, mode = 0o600): ConfigResult {
  return loadConfig({ path: file(text, mode, `lnmux-${++files}.yml`), strict: true, env });
}

/** Every problem and warning, without the folder. */
function complaints(result: ConfigResult): string[] {
  const problems = result.ok ? [] : result.problems;
  return [...problems, ...result.warnings].map((one) => formatProblem(one).replaceAll(`${folder}/`, ''));
}

function keyOf(result: ConfigResult): string {
  if (!result.ok) throw new Error(complaints(result).join('\n'));
  return Buffer.from(result.config.identityKey.reveal()).toString('hex');
}

describe('a secret in a file of its own', () => {
  it('is named in the configuration, relative to it, and may end with a newline', () => {
    mkdirSync(join(folder, 'secrets'));
    file(`${OTHER}\n`, 0o600, 'secrets/key');
    file(`${DSN}\r\n`, 0o400, 'secrets/dsn');
    const result = load(`${BARE}identityKeyFile: secrets/key\ndb: {dsnFile: secrets/dsn}\n`);
    expect(keyOf(result)).toBe(OTHER);
    expect(result.ok && result.config.db.dsn?.reveal()).toBe(DSN);
    expect(complaints(result)).toEqual([]);
  });

  it('is named in the environment, which goes before the configuration', () => {
    const env = {
      LNMUX_IDENTITY_KEY_FILE: file(OTHER),
      LNMUX_PERSISTENCE_POSTGRES_DSN_FILE: file(DSN),
    };
    const result = load(`${GOOD}db: {dsn: "postgres://localhost/inconfig"}\n`, env);
    expect(keyOf(result)).toBe(OTHER);
    expect(result.ok && result.config.db.dsn?.reveal()).toBe(DSN);
    expect(keyOf(load(`${BARE}identityKeyFile: nowhere\n`, { LNMUX_IDENTITY_KEY: OTHER }))).toBe(OTHER);
  });

  it.each([
    [
      'given twice in the configuration',
      () => load(`${GOOD}identityKeyFile: ${file(KEY)}\n`),
      /^lnmux-\d+.yml:9: identityKeyFile: given together with identityKey; remove one of them$/,
    ],
    [
      'a dsn given twice in the configuration',
      () => load(`${GOOD}db: {dsnFile: x, dsn: "${DSN}"}\n`),
      /^lnmux-\d+.yml:9: db.dsnFile: given together with db.dsn; remove one of them$/,
    ],
    [
      'given twice in the environment',
      () => load(BARE, { LNMUX_IDENTITY_KEY: KEY, LNMUX_IDENTITY_KEY_FILE: file(KEY) }),
      /^LNMUX_IDENTITY_KEY_FILE: set together with LNMUX_IDENTITY_KEY; unset one of them$/,
    ],
    [
      'not there',
      () => load(`${BARE}identityKeyFile: nowhere\n`),
      /^lnmux-\d+.yml:8: identityKeyFile: nowhere: no such file; check the path$/,
    ],
    [
      'a folder',
      () => load(BARE, { LNMUX_IDENTITY_KEY_FILE: folder }),
      /^LNMUX_IDENTITY_KEY_FILE: .*: a folder, not a file; give the path of the file in it$/,
    ],
    [
      'without a name',
      () => load(GOOD, { LNMUX_IDENTITY_KEY_FILE: '' }),
      /^LNMUX_IDENTITY_KEY_FILE: is empty; give the path of the file, or remove it$/,
    ],
    [
      'empty',
      () => load(`${BARE}identityKeyFile: ${file('\n')}\n`),
      /^lnmux-\d+.yml:8: identityKeyFile: file-\d+: is empty; write 64 hex digits/,
    ],
    [
      'endless',
      () => load(`${BARE}identityKeyFile: /dev/zero\n`),
      /^lnmux-\d+.yml:8: identityKeyFile: \/dev\/zero: longer than any secret$/,
    ],
    [
      'not a key',
      () => load(BARE, { LNMUX_IDENTITY_KEY_FILE: file('0'.repeat(64)) }),
      /^LNMUX_IDENTITY_KEY_FILE: file-\d+: invalid identity key: zero/,
    ],
    [
      'not a DSN',
      () => load(GOOD, { LNMUX_PERSISTENCE_POSTGRES_DSN_FILE: file('mysql://u:correcthorse@h/d') }),
      /^LNMUX_PERSISTENCE_POSTGRES_DSN_FILE: file-\d+: must start with postgres/,
    ],
    [
      'a DSN with a parameter that the driver does not take',
      () => load(`${GOOD}db: {dsn: "postgres://u:correcthorse@h/d?sslcert=x"}\n`),
      /^lnmux-\d+.yml:9: db.dsn: only sslmode, application_name and connect_timeout are allowed/,
    ],
    [
      'the key itself where its path should be',
      () => load(`${BARE}identityKeyFile: ${KEY}\n`),
      /^lnmux-\d+.yml:8: identityKeyFile: <hidden>: no such file; check the path$/,
    ],
  ])('%s: one line', (_what, loaded, says) => {
    const result = loaded();
    expect(result.ok).toBe(false);
    const found = complaints(result);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
    expect(found[0]).not.toMatch(/correcthorse|81b637d8fcd2c6da/);
  });
});

describe('an identity key that everybody can read', () => {
  it('in a file of its own is refused, with the command that mends it', () => {
    const path = file(KEY, 0o644, 'open key');
    const result = load(`${BARE}identityKeyFile: open key\n`);
    expect(complaints(result)).toEqual([
      expect.stringMatching(
        /:8: identityKeyFile: open key: everybody on this machine can read it \(mode 0644\); chmod 600 'open key'/,
      ),
    ]);
    expect(result.ok).toBe(false);
    for (const mode of [0o600, 0o640, 0o440]) {
      chmodSync(path, mode);
      expect(load(`${BARE}identityKeyFile: open key\n`).ok).toBe(true);
    }
  });

  it('in the configuration is warned of', () => {
    const result = load(GOOD, {}, 0o644);
    expect(result.ok).toBe(true);
    expect(complaints(result)).toEqual([
      expect.stringMatching(
        /:8: identityKey: everybody on this machine can read this file \(mode 0644\); chmod 600 lnmux-\d+.yml, or keep/,
      ),
    ]);
    expect(complaints(load(GOOD, {}, 0o640))).toEqual([]);
    // Whoever reads this file does not find the key that counts.
    expect(complaints(load(GOOD, { LNMUX_IDENTITY_KEY: OTHER }, 0o644))).toEqual([]);
  });

  it('so is a DSN with its password, in a file of its own', () => {
    const env = { LNMUX_PERSISTENCE_POSTGRES_DSN_FILE: file(DSN, 0o644) };
    expect(complaints(load(GOOD, env))).toEqual([
      expect.stringMatching(/everybody .* can read it, with the password/),
    ]);
  });
});
