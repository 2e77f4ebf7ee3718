import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseLnmuxdArgs } from '../../src/daemon/cli/lnmuxdArgs.ts';
import { decodeConfig } from '../../src/daemon/config/load.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'deploy/compose');
const DEMO = join(FOLDER, 'demo.sh');

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
  readonly build?: { readonly context: string; readonly target: string };
  readonly [key: string]: unknown;
}

const compose = parse(readFileSync(join(FOLDER, 'compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
};
const { services } = compose;

/** Keys of the compose specification that are used here; another one is probably misspelled. */
const KNOWN = new Set([
  ...['build', 'cap_drop', 'command', 'depends_on', 'environment', 'healthcheck', 'image', 'ports'],
  ...['profiles', 'read_only', 'restart', 'security_opt', 'stop_grace_period', 'volumes'],
]);

describe('the compose file', () => {
  it('has the services of a cluster, and only keys that there are', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['alice', 'bitcoind', 'bob', 'carol', 'lnmux', 'migrate', 'postgres'].sort(),
    );
    const unknown = Object.values(services).flatMap((each) =>
      Object.keys(each).filter((key) => !KNOWN.has(key)),
    );
    expect(unknown).toEqual([]);
    expect(
      Object.keys(compose)
        .filter((key) => !key.startsWith('x-'))
        .sort(),
    ).toEqual(['name', 'services', 'volumes']);
  });

  it('waits for what it needs, by health checks that exist', () => {
    for (const [name, { depends_on: needs = {} }] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(needs)) {
        expect([name, other, condition]).toEqual([name, other, 'service_healthy']);
        expect(services[other]?.healthcheck).toBeDefined();
      }
    }
  });

  it('declares every volume that it mounts', () => {
    const mounted = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes.map((each) => each.split(':')[0]!))
      .filter((source) => !source.startsWith('.'));
    expect([...new Set(mounted)].sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  it('runs lnd in a version that is safe, with both flags where lnmux is in front', () => {
    for (const name of ['alice', 'bob', 'carol']) {
      const [, minor, patch] = /:v0\.(\d+)\.(\d+)-beta$/.exec(services[name]!.image)!.map(Number);
      expect(minor! * 1_000 + patch!).toBeGreaterThanOrEqual(20_003);
      const flags = services[name]!.command!;
      const isOurs = name !== 'carol';
      expect(flags.includes('--requireinterceptor')).toBe(isOurs);
      expect(flags.includes('--store-final-htlc-resolutions')).toBe(isOurs);
      expect(flags).toContain(`--tlsextradomain=${name}`);
    }
  });

  it('builds the default image and gives lnmuxd arguments that it takes', () => {
    for (const [name, command] of [
      ['lnmux', 'run'],
      ['migrate', 'migrate'],
    ] as const) {
      const { build, command: words } = services[name]!;
      expect(build).toEqual({ context: '../..', target: 'debian' });
      expect(words![0]).toBe('lnmuxd');
      expect(parseLnmuxdArgs(words!.slice(1))).toMatchObject({ ok: true, command: { command } });
    }
  });
});

/** Answers as the containers would, for a network in which everything is there from the start. */
const DOCKER = `#!/usr/bin/env node
const { appendFileSync } = require('node:fs');
const args = process.argv.slice(2).filter((arg) => arg !== '-T');
appendFileSync(process.env.DOCKER_LOG, JSON.stringify(args) + '\\n');
const [, verb, where, program, ...rest] = args;
const keys = {
  alice: '020723c6f2203f1072336bd0e71bf4d11e367ab0b3010ce60c080abef0d4770db8',
  bob: '026ff75cb2ff49b864833aa3c93970069070231a9ad64819252e190406dd0a6976',
  carol: '03' + 'ab'.repeat(32),
};
const say = (value) => process.stdout.write(typeof value === 'string' ? value : JSON.stringify(value, null, 4) + '\\n');
if (verb !== 'exec') process.exit(0);
if (program === 'lncli' && rest[1] === 'getinfo') {
  const num = where === 'carol' ? 2 : 1;
  say({ version: '0.20.3-beta', identity_pubkey: keys[where], num_active_channels: num, synced_to_chain: true });
} else if (program === 'lncli' && rest[1] === 'walletbalance') say({ total_balance: '5', confirmed_balance: '0005' });
else if (program === 'lncli' && rest[1] === 'listchannels') say({ channels: [] });
else if (program === 'bitcoin-cli' && rest.includes('getblockcount')) say('0\\n');
else if (program === 'cat') say('from ' + where + rest[0]);
else if (program === 'lnmuxcli' && rest[0] === 'addinvoice') say({ payment_request: 'lnbcrt1invoice', hash: 'c0ffee' });
`;

async function runDemo(...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'lnmux-compose-'));
  try {
    cpSync(DEMO, join(folder, 'demo.sh'));
    writeFileSync(join(folder, 'docker'), DOCKER);
    chmodSync(join(folder, 'docker'), 0o755);
    const log = join(folder, 'log');
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, DOCKER_LOG: log };
    const { stdout } = await promisify(execFile)('bash', [join(folder, 'demo.sh'), ...args], { env });
    const calls = readFileSync(log, 'utf8').trim().split('\n');
    const read = (path: string) => readFileSync(join(folder, 'run', path), 'utf8');
    const config = args.length === 0 ? read('lnmux.yml') : '';
    const credentials = args.length === 0 ? [read('alice/tls.cert'), read('bob/lnmux.macaroon')] : [];
    return {
      stdout,
      calls: calls.map((line) => (JSON.parse(line) as string[]).join(' ')),
      config,
      credentials,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('demo.sh', () => {
  it('is a script that bash reads', () => {
    expect(statSync(DEMO).mode & 0o111).toBe(0o111);
    execFileSync('bash', ['-n', DEMO]);
  });

  it('opens channels, bakes macaroons, starts lnmux and pays its invoice, in that order', {
    timeout: 60_000,
  }, async () => {
    const { stdout, calls, config, credentials } = await runDemo();
    const at = (part: string) => calls.findIndex((call) => call.includes(part));
    const order = [
      'up --detach --wait bitcoind alice bob carol postgres',
      'openchannel --node_key 0207',
      'openchannel --node_key 026f',
      'bakemacaroon',
      'build lnmux',
      'run --rm migrate',
      'up --detach --wait lnmux',
      'addinvoice --amt_msat 150000000',
      'payinvoice --force --timeout 60s --max_parts 4 lnbcrt1invoice',
      'lnmuxcli wait c0ffee',
    ].map((part) => [part, at(part)] as const);
    expect(order.filter(([, index]) => index < 0)).toEqual([]);
    expect([...order].sort(([, a], [, b]) => a - b)).toEqual(order);
    expect(stdout).toContain('lnbcrt1invoice');

    const result = decodeConfig(config, { path: 'lnmux.yml', strict: true, env: {} });
    expect(result.ok ? result.warnings : result.problems).toEqual([]);
    expect(result.ok && result.config.lnd.nodes.map(({ name, lndUrl }) => `${name} ${lndUrl}`)).toEqual([
      'alice alice:10009',
      'bob bob:10009',
    ]);
    expect(credentials).toEqual(['from alice/root/.lnd/tls.cert', 'from bob/tmp/lnmux.macaroon']);
  });

  it('bakes macaroons with the rights that the README names, and no others', () => {
    const urisOf = (path: string) =>
      [...new Set(readFileSync(join(ROOT, path), 'utf8').match(/uri:\/[\w./]+/g))].sort();
    expect(urisOf('deploy/compose/demo.sh')).toEqual(urisOf('README.md'));
    expect(urisOf('README.md')).toHaveLength(6);
  });

  it('forgets everything when asked to', async () => {
    const { calls } = await runDemo('down');
    expect(calls).toEqual(['compose down --volumes --remove-orphans']);
  });
});
