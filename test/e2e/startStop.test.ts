import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Payer } from '../../src/simulator/payer/payer.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { App } from './application.ts';
import { ClusterNode, eventually } from './cluster.ts';
import { type ConfigChoices, Daemon, killDaemons, writeConfig } from './daemon.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-e2e-start-'));
// As root, the database runs as another user, who has to get there.
chmodSync(dir, 0o755);
const alice = new ClusterNode('alice', dir, 1);
let database: TestDatabase;
let empty: TestDatabase;
let occupied: Server;
let occupiedAddress: string;

beforeAll(async () => {
  occupied = createServer().listen(0, '127.0.0.1');
  [database, empty] = await Promise.all([
    createTestDatabase(),
    createTestDatabase({ empty: true }),
    alice.start(),
  ]);
  const address = occupied.address();
  occupiedAddress = typeof address === 'object' ? `127.0.0.1:${address?.port}` : '';
});

afterAll(async () => {
  killDaemons();
  occupied?.close();
  await alice.close();
  await Promise.all([database, empty].map((each) => each?.drop()));
  rmSync(dir, { recursive: true, force: true });
});

let folders = 0;

/** A folder of its own with a configuration in it. */
function configured(choices: ConfigChoices): string {
  folders += 1;
  const folder = join(dir, `config-${folders}`);
  mkdirSync(folder);
  return writeConfig(folder, choices);
}

function run(config: string, env: NodeJS.ProcessEnv = {}): Daemon {
  const daemon = new Daemon(['-c', config, 'run'], env);
  onTestFinished(async () => {
    await daemon.kill();
  });
  return daemon;
}

const released = () => database.query(`UPDATE lnmux.leader SET expires_at = '-infinity'`);

describe('bad input', () => {
  interface Fault {
    readonly what: string;
    readonly config?: () => string;
    readonly args?: readonly string[];
    readonly code: number;
    readonly says: RegExp;
  }
  const good = (): ConfigChoices => ({ nodes: [alice.config], dsn: database.dsn });
  const withText = (change: (text: string) => string) => () => {
    const path = configured(good());
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    return path;
  };
  const FAULTS: Fault[] = [
    { what: 'an unknown verb', args: ['rnu'], code: 2, says: /unknown.*rnu.*run/ },
    { what: 'an unknown flag', args: ['--conifg', 'x', 'run'], code: 2, says: /conifg/ },
    { what: 'no configuration', args: ['run'], code: 2, says: /-c/ },
    { what: 'a file that is not there', args: ['-c', '/nowhere.yml', 'run'], code: 1, says: /no such file/ },
    {
      what: 'text that is not YAML',
      config: withText(() => 'lnd: [a\n b: {'),
      code: 1,
      says: /lnmux\.yml:\d+/,
    },
    {
      what: 'an unknown key',
      config: withText((text) => `${text}autoSetle: true\n`),
      code: 1,
      says: /lnmux\.yml:\d+: .*autoSetle.*autoSettle/,
    },
    {
      what: 'an identity key that is none',
      config: withText((text) => text.replace(/identityKey: .*/, `identityKey: ${'00'.repeat(32)}`)),
      code: 1,
      says: /identityKey/,
    },
    {
      what: 'the same node twice',
      config: () => configured({ ...good(), nodes: [alice.config, alice.config] }),
      code: 1,
      says: /the same node as/,
    },
    {
      what: 'a DSN that is no URL',
      config: () => configured({ ...good(), dsn: 'nonsense' }),
      code: 1,
      says: /dsn/i,
    },
    {
      what: 'a database server that is not there',
      config: () => configured({ ...good(), dsn: 'postgres://u:hunter2@127.0.0.1:1/lnmux?sslmode=disable' }),
      code: 1,
      says: /ECONNREFUSED 127\.0\.0\.1:1.*db\.dsn/,
    },
    {
      what: 'a database that does not exist',
      config: () => configured({ ...good(), dsn: database.dsn.replace(/\/test_\w+/, '/absent') }),
      code: 1,
      says: /absent.*does not exist.*db\.dsn/,
    },
    {
      what: 'a database without our schema',
      config: () => configured({ ...good(), dsn: empty.dsn }),
      code: 1,
      says: /version 0.*lnmuxd migrate up/,
    },
    {
      what: 'a port that is taken',
      config: () => configured({ ...good(), listenAddress: occupiedAddress }),
      code: 1,
      says: /in use|EADDRINUSE/,
    },
  ];

  it.each(FAULTS)('$what: one clear line and exit code $code', async ({ config, args, code, says }) => {
    await released();
    const daemon = new Daemon(args ?? ['-c', config!(), 'run']);
    expect(await daemon.exited).toEqual({ code, signal: null });
    const lines = daemon.output.split('\n').filter(Boolean);
    // Of a log, the one line that says why it ended; else the one line there is.
    const logged = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    const last = logged.filter(({ level }) => level === 'fatal').map(({ msg }) => String(msg));
    const reasons = logged.length > 0 ? last : lines;
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(says);
    expect(daemon.output).not.toMatch(/hunter2|\n\s+at /);
  });
});

describe('an lnd that is not as it should be', () => {
  const wrongMacaroon = () => {
    const macaroonPath = join(dir, 'wrong.macaroon');
    writeFileSync(macaroonPath, Buffer.alloc(90, 7));
    return { ...alice.config, macaroonPath };
  };

  it.each([
    {
      what: 'unreachable',
      node: () => ({ ...alice.config, lndUrl: '127.0.0.1:1' }),
      says: /ECONNREFUSED/,
    },
    {
      what: 'another node',
      node: () => ({ ...alice.config, pubkey: `02${'ab'.repeat(32)}` }),
      says: /unexpected pubkey: expected 02ab.*, connected to 0/,
    },
    {
      what: 'on another network',
      faults: { wrongNetwork: 'mainnet' },
      says: /unexpected network: expected regtest, connected to mainnet/,
    },
    { what: 'too old', faults: { wrongVersion: '0.15.5-beta' }, says: /version 0\.15\.5.*required version/ },
    {
      what: 'without requireinterceptor',
      faults: { requireInterceptorOff: true },
      says: /requireinterceptor/,
    },
    { what: 'without stored finals', faults: { storeFinalsOff: true }, says: /store-final-htlc-resolutions/ },
    { what: 'asked with a wrong macaroon', node: wrongMacaroon, says: /does not take this macaroon/ },
    {
      what: 'configured with a certificate that is not there',
      node: () => ({ ...alice.config, tlsCertPath: join(dir, 'absent.cert') }),
      says: /absent\.cert/,
    },
  ])('$what: the daemon serves, says so, and ends in order', async ({ node, faults, says }) => {
    await released();
    await alice.control.setFault(faults ?? {});
    const config = node?.() ?? alice.config;
    const daemon = run(configured({ nodes: [config], dsn: database.dsn }));
    const app = new App(await daemon.address());
    onTestFinished(async () => {
      app.close();
      const none = {
        wrongNetwork: '',
        wrongVersion: '',
        requireInterceptorOff: false,
        storeFinalsOff: false,
      };
      await alice.control.setFault(none);
    });
    const line = await daemon.line('Node unavailable or misconfigured', ({ error }) =>
      says.test(String(error)),
    );
    expect(line).toMatchObject({ level: 'warn', node: config.pubkey });
    expect(await app.code(app.client.getInfo, {})).toBe(status.OK);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(daemon.output).not.toContain(Buffer.alloc(90, 7).toString('hex'));
  });
});

describe('the end', () => {
  it('by SIGTERM is orderly and quick, with exit code 0, also with clients and held HTLCs', async () => {
    await released();
    const payer = new Payer({ nodes: [alice.control] });
    const daemon = run(configured({ nodes: [alice.config], dsn: database.dsn }));
    const app = new App(await daemon.address());
    onTestFinished(() => app.close());
    await app.subscribe();
    await daemon.line('Node ready');
    const issued = await app.invoice(10_000n);
    const paying = payer.pay(issued.text, { maxRetries: 0 });
    const setId = await app.acceptedSet(issued);
    const before = Date.now();
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(Date.now() - before).toBeLessThan(10_000);

    // The lead is given back: the next one need not wait. It finds the same set.
    const next = run(configured({ nodes: [alice.config], dsn: database.dsn }));
    const after = new App(await next.address());
    onTestFinished(() => after.close());
    await after.subscribe();
    expect(await after.acceptedSet(issued)).toEqual(setId);
    expect(await after.cancel(issued, setId)).toBe(status.OK);
    expect((await paying).attempts.map(({ failure }) => failure?.message?.code)).toEqual([0x400f]);
  });

  it('of a leader by kill: a standby takes over once the lease has run out', async () => {
    await released();
    const leader = run(configured({ nodes: [alice.config], dsn: database.dsn }));
    await leader.address();
    const standby = run(configured({ nodes: [alice.config], dsn: database.dsn }));
    await standby.line('Acquiring lock');
    expect(standby.lines('Grpc server starting')).toEqual([]);
    await leader.kill();
    await released();
    await standby.address();
    await standby.line('Node ready');
    expect(await standby.stop()).toEqual({ code: 0, signal: null });
  });

  it('while waiting as a standby', async () => {
    await released();
    const leader = run(configured({ nodes: [], dsn: database.dsn }));
    await leader.address();
    const standby = run(configured({ nodes: [], dsn: database.dsn }));
    await standby.line('Acquiring lock');
    expect(await standby.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('the embedded PostgreSQL', () => {
  const serversOf = (folder: string) =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('postgres') && command.includes(folder);
      } catch {
        return false;
      }
    });

  it('comes and goes with the daemon; a second daemon on its directory is refused; a kill leaves nothing running', async () => {
    const config = configured({ nodes: [alice.config] });
    const folder = join(config, '..', 'data');
    const daemon = run(config);
    await daemon.address();
    expect(serversOf(folder)).not.toEqual([]);
    const second = run(config);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output).toMatch(/in use|another|already/);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(serversOf(folder)).toEqual([]);

    const again = run(config);
    await again.address();
    await again.kill();
    await eventually(() => serversOf(folder).length === 0);

    // Nobody else can lead on this database: the lease of the one that was killed is not waited for.
    const next = run(config);
    await next.address();
    const at = (msg: string) => Date.parse(String(next.lines(msg)[0]?.time));
    expect(at('Lock acquired') - at('Acquiring lock')).toBeLessThan(10_000);
    await next.kill();
  });
});
