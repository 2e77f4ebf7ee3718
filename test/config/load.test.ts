import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatProblem, loadConfig } from '../../src/daemon/config/load.ts';
import { decode, GOOD, good, KEY, NODE_A, problems } from './harness.ts';

describe('defaults', () => {
  it('are these', () => {
    const { config, warnings } = good(GOOD);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      db: {
        dsn: undefined,
        dataDir: '/etc/lnmux/.lnmux/postgres',
        poolSize: 10,
        maxConnAgeMs: undefined,
        poolTimeoutMs: 30_000,
        idleTimeoutMs: 300_000,
      },
      autoSettle: false,
      listenAddress: 'localhost:19090',
      instrumentationAddress: 'localhost:2112',
      healthAddress: 'localhost:2112',
      profilingAddress: undefined,
      tracing: { otlpEndpoint: undefined, samplePercent: 100 },
      logging: { level: 'debug', format: 'auto', withCaller: false, grpcLogging: false },
      distributedLock: { name: undefined, id: undefined },
      routingPolicy: { cltvDelta: 40, feeBaseMsat: 0n, feeRatePpm: 0n, previous: [] },
      routeHints: { rule: 'healthy', max: 20 },
      acceptance: {
        exactAmount: false,
        holdTimeoutMs: 60_000,
        acceptTimeoutMs: 60_000,
        subscriberGraceMs: 30_000,
        deadlineMargin: 6,
        cltvRejectDelta: 10,
        maxCltvDelta: 2_016,
      },
    });
    expect(config.lnd.nodes[0]?.name).toBe(NODE_A.slice(0, 10));
  });

  it('fill up a block that is there in part, with a word about the one that changed', () => {
    const { config, warnings } = good(`${GOOD}routingPolicy:\n  feeRatePpm: 7\n`);
    expect(config.routingPolicy).toEqual({ cltvDelta: 40, feeBaseMsat: 0n, feeRatePpm: 7n, previous: [] });
    expect(warnings.map(formatProblem).join()).toContain('routingPolicy.cltvDelta: absent, so 40');
  });

  it('of earlier routing policies are the same, and each needs its last day', () => {
    const previous =
      '[{feeBaseMsat: 9, until: 2027-01-31}, {cltvDelta: 80, until: "2027-01-31T12:00:00+01:00"}]';
    const { config } = good(`${GOOD}routingPolicy: {cltvDelta: 10, previous: ${previous}}\n`);
    expect(config.routingPolicy.previous).toEqual([
      { cltvDelta: 40, feeBaseMsat: 9n, feeRatePpm: 0n, until: Date.UTC(2027, 0, 31) },
      { cltvDelta: 80, feeBaseMsat: 0n, feeRatePpm: 0n, until: Date.UTC(2027, 0, 31, 11) },
    ]);
  });

  it('stand for keys without a value and empty blocks', () => {
    const { config } = good(`${GOOD}autoSettle:\ndb:\nlogging: ~\n`);
    expect(config.autoSettle).toBe(false);
    expect(config.logging.level).toBe('debug');
  });
});

describe('problems are one line each, with file, line, key and advice', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown key',
      `${GOOD}listenAdress: x:1\n`,
      /^lnmux.yml:9: listenAdress: unknown key; write listenAddress$/,
    ],
    [
      'a key in the wrong case',
      GOOD.replace('pubKey', 'pubkey'),
      /^lnmux.yml:4: .*pubkey: unknown key; write pubKey$/,
    ],
    [
      'a foreign network',
      GOOD.replace('regtest', 'bitnet'),
      /:2: lnd.network: unsupported network "bitnet"; write main/,
    ],
    [
      'a rule for route hints that there is not',
      `${GOOD}routeHints: none\n`,
      /:9: routeHints: "none" is neither healthy nor all/,
    ],
    [
      'more hints than fit',
      `${GOOD}maxRouteHints: 61\n`,
      /:9: maxRouteHints: 61 is out of range; write 1 to 60/,
    ],
    [
      'a priority that is no number',
      GOOD.replace('lndUrl:', 'priority: high\n      lndUrl:'),
      /nodes\[0\].priority: "high" is not a whole number/,
    ],
    ['no network', GOOD.replace('network: regtest', 'network:'), /lnd.network: missing; write mainnet/],
    [
      'an https URL',
      GOOD.replace('localhost:10009', 'https://x:1'),
      /:5: lnd.nodes\[0\].lndUrl: .* without https/,
    ],
    [
      'a short public key',
      GOOD.replace(NODE_A, '02ab'),
      /:4: .*pubKey: not a public key \(it has 4 characters\)/,
    ],
    [
      'a key not on the curve',
      GOOD.replace(NODE_A, `02${'00'.repeat(32)}`),
      /:4: .*pubKey: not a public key/,
    ],
    [
      'no macaroon',
      GOOD.replace(/ +macaroonPath.*\n/, ''),
      /lnd.nodes\[0\].macaroonPath: missing; write the path/,
    ],
    ['nodes that are no list', GOOD.replace('- pubKey', '  pubKey'), /lnd.nodes: must be a list/],
    ['a block that is a word', `${GOOD}db: postgres\n`, /:9: db: must be a block/],
    ['a list for a word', `${GOOD}listenAddress: [a, b]\n`, /:9: listenAddress: must be a single value/],
    [
      'a collector that is none',
      `${GOOD}tracing: {otlpEndpoint: localhost:4318}\n`,
      /tracing.otlpEndpoint: "localhost:4318" is not one; write the HTTP address of an OpenTelemetry collector/,
    ],
    [
      'profiles for everybody',
      `${GOOD}profilingAddress: :6060\n`,
      /:9: profilingAddress: profiles show memory, so only this machine may ask; write localhost:6060/,
    ],
    ['a word for yes', `${GOOD}autoSettle: maybe\n`, /:9: autoSettle: "maybe" is neither true nor false/],
    [
      'a negative fee',
      `${GOOD}routingPolicy: {cltvDelta: 9, feeBaseMsat: -1}\n`,
      /feeBaseMsat: -1 is out of range; write 0/,
    ],
    [
      'a delta beyond 16 bits',
      `${GOOD}routingPolicy: {cltvDelta: 65536}\n`,
      /cltvDelta: 65536 is out of range/,
    ],
    [
      'an earlier policy for ever',
      `${GOOD}routingPolicy: {cltvDelta: 9, previous: [{cltvDelta: 40}]}\n`,
      /routingPolicy.previous\[0\].until: missing; write the day/,
    ],
    [
      'a day that is none',
      `${GOOD}routingPolicy: {cltvDelta: 9, previous: [{until: 2027-02-31x}]}\n`,
      /routingPolicy.previous\[0\].until: not a date; write one such as 2027-01-31/,
    ],
    [
      'a day that no calendar has',
      `${GOOD}routingPolicy: {cltvDelta: 9, previous: [{until: 2027-02-31}]}\n`,
      /routingPolicy.previous\[0\].until: not a date/,
    ],
    [
      'a fraction',
      `${GOOD}deadlineMargin: 6.5\n`,
      /deadlineMargin: "6.5" is not a whole number; write 1 to 20/,
    ],
    [
      'a bare number of seconds',
      `${GOOD}holdTimeout: 60\n`,
      /holdTimeout: "60" is out of range \(a bare number counts nano/,
    ],
    [
      'no unit Go knows',
      `${GOOD}acceptTimeout: 2days\n`,
      /acceptTimeout: "2days" is not a duration such as 15s/,
    ],
    [
      'a reject delta above the invoice delta',
      `${GOOD}cltvRejectDelta: 40\n`,
      /cltvRejectDelta: 40 is out of range; write 1 to 39/,
    ],
    [
      'an unknown level',
      `${GOOD}logging: {level: loud}\n`,
      /logging.level: unknown level "loud"; write debug/,
    ],
    [
      'an unknown format',
      `${GOOD}logging: {format: jsn}\n`,
      /logging.format: unknown format "jsn"; write json/,
    ],
    [
      'an address without a port',
      `${GOOD}listenAddress: localhost\n`,
      /listenAddress: "localhost" is not host:port/,
    ],
    [
      'a lock without a namespace',
      `${GOOD}distributedLock: {name: x}\n`,
      /distributedLock.namespace: missing/,
    ],
    [
      'a limit of nothing',
      `${GOOD}limits: {maxPartsPerSet: 0}\n`,
      /limits.maxPartsPerSet: 0 is out of range; write 1/,
    ],
    ['a strange version', `${GOOD}minLndVersion: newest\n`, /minLndVersion: "newest" is not a version/],
    [
      'no identity key',
      GOOD.replace(/identityKey.*\n/, ''),
      /identityKey: missing; write it, or .* identityKeyFile, or set LNMUX_IDENTITY_KEY/,
    ],
    [
      'a short identity key',
      GOOD.replace(KEY, 'abcd'),
      /:8: identityKey: invalid identity key length: 4 characters/,
    ],
    [
      'an identity key that is not hex',
      GOOD.replace(KEY, 'z'.repeat(64)),
      /identityKey: invalid identity key: not hex/,
    ],
    ['a zero identity key', GOOD.replace(KEY, '0'.repeat(64)), /identityKey: invalid identity key: zero/],
    [
      'an identity key of the order',
      GOOD.replace(KEY, 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'),
      /identityKey: invalid identity key: zero, or not below the order/,
    ],
    ['an empty dsn', `${GOOD}db: {dsn: ""}\n`, /:9: db.dsn: is empty; give the URL/],
    ['a dsn of another database', `${GOOD}db: {dsn: mysql://h/d}\n`, /db.dsn: must start with postgres/],
    ['a dsn without a database', `${GOOD}db: {dsn: postgres://h}\n`, /db.dsn: names no database/],
    ['a second document', `${GOOD}---\na: b\n`, /^lnmux.yml:9: a second document/],
    [
      'the same key twice',
      `${GOOD}autoSettle: true\nautoSettle: false\n`,
      /^lnmux.yml:10: the same key twice/,
    ],
    [
      'a line in the wrong place',
      GOOD.replace('- pubKey', 'pubKey'),
      /^lnmux.yml:4: not valid YAML here; check/,
    ],
    ['a tab', `${GOOD}db:\n\tpoolSize: 3\n`, /^lnmux.yml:10: a tab in the indentation/],
    ['an unclosed quote', `${GOOD}listenAddress: "x\n`, /^lnmux.yml:\d+: something is missing here/],
  ];
  it.each(cases)('%s', (_what, text, expected) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
    expect(found[0]).not.toContain('\n');
  });

  it('are all found at once, in the order of the file', () => {
    const found = problems(`${GOOD}autoSettle: 7\nholdTimeout: x\nlogging: {level: q}\nfoo: 1\n`);
    expect(found.map((line) => /:(\d+):/.exec(line)?.[1])).toEqual(['9', '10', '11', '12']);
  });

  it('name the other node when two are the same', () => {
    const node = GOOD.slice(GOOD.indexOf('    - '), GOOD.indexOf('identityKey'));
    const found = problems(GOOD.replace(node, node + node));
    expect(found).toEqual([
      'lnmux.yml:8: lnd.nodes[1].pubKey: the same node as lnd.nodes[0]; remove one of them',
    ]);
  });

  it('say when the file is not there', () => {
    const result = loadConfig({ path: '/nonexistent/lnmux.yml', strict: true, env: {} });
    expect(result.ok ? '' : result.problems.map(formatProblem).join()).toMatch(
      /lnmux.yml: no such file; give/,
    );
  });
});

describe('not strict', () => {
  it('unknown keys are warnings, everything else stays a problem', () => {
    const result = decode(`${GOOD}foo: 1\n`, {}, false);
    expect(result.ok).toBe(true);
    expect(result.warnings.map(formatProblem).join()).toContain('foo: unknown key, ignored');
    expect(problems(`${GOOD}foo: 1\nautoSettle: 7\n`, {}, false)).toHaveLength(1);
    expect(problems(GOOD.replace('pubKey', 'pubkey'), {}, false).join()).toContain('pubKey: missing');
  });
});

describe('the environment', () => {
  it('overrides the file', () => {
    const other = 'e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734';
    const { config } = good(`${GOOD}distributedLock: {name: a, namespace: b, id: c}\n`, {
      LNMUX_PERSISTENCE_POSTGRES_DSN: 'postgres://localhost/fromenv',
      LNMUX_IDENTITY_KEY: other,
      LNMUX_DISTRIBUTEDLOCK_ID: 'pod-1',
    });
    expect(config.db.dsn?.reveal()).toBe('postgres://localhost/fromenv');
    expect(Buffer.from(config.identityKey.reveal()).toString('hex')).toBe(other);
    expect(config.distributedLock.id).toBe('pod-1');
  });

  it('can hold the identity key alone', () => {
    good(GOOD.replace(/identityKey.*\n/, ''), { LNMUX_IDENTITY_KEY: KEY });
  });

  it('set but empty replaces an id by none', () => {
    const text = `${GOOD}distributedLock: {name: a, namespace: b, id: c}\n`;
    expect(good(text, { LNMUX_DISTRIBUTEDLOCK_ID: '' }).config.distributedLock.id).toBeUndefined();
  });

  it('set but empty is a problem: a missing secret must not start an empty database', () => {
    expect(problems(GOOD, { LNMUX_PERSISTENCE_POSTGRES_DSN: '' })).toEqual([
      expect.stringMatching(/^LNMUX_PERSISTENCE_POSTGRES_DSN: is empty; give the URL/),
    ]);
    expect(problems(GOOD, { LNMUX_IDENTITY_KEY: '' })).toEqual([
      expect.stringMatching(/^LNMUX_IDENTITY_KEY: is empty; write 64 hex digits/),
    ]);
  });
});

describe('lnmux.yml.example', () => {
  const path = join(import.meta.dirname, '../../lnmux.yml.example');
  const text = readFileSync(path, 'utf8');

  it('is right', () => {
    const result = loadConfig({ path, strict: true, env: {} });
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([]);
  });

  it('has every key that is read, in use or commented out', () => {
    // Two that no new file should have, and the ways around a secret in the file, which are told in words.
    const elsewhere = new Set(['lnd.timeout', 'logging.grpcPayloadLogging']);
    const { settings } = loadConfig({ path, strict: true, env: {} });
    expect(settings.length).toBeGreaterThan(50);
    for (const { block, name, origin } of settings) {
      if (origin === 'block' || elsewhere.has(`${block}.${name}`)) continue;
      const pattern = name.endsWith('File') ? `\\b${name}\\b` : `^ *#? *(- )?${name}:`;
      expect(text, `${block} ${name}`).toMatch(new RegExp(pattern, 'm'));
    }
  });

  it('shows each default as it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lnmux-config-'));
    try {
      const shown = text
        .replaceAll(/^( *)#((?: {2})*[a-zA-Z]+:)(?= |$)/gm, '$1$2')
        .replace(/^distributedLock:[\s\S]*/m, '');
      const withDefaults = shown.replace(/^ +dsn:.*$/m, '');
      const file = join(folder, 'lnmux.yml');
      writeFileSync(file, withDefaults);
      const all = loadConfig({ path: file, strict: true, env: {} });
      writeFileSync(file, text);
      const none = loadConfig({ path: file, strict: true, env: {} });
      expect(all.ok ? all.config : all.problems.map(formatProblem)).toEqual(none.ok ? none.config : none);
      expect(withDefaults).toContain('\nlimits:\n  maxPartsPerSet: 483');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
