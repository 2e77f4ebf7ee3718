import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../src/daemon/config/load.ts';
import { GO_EXAMPLE } from './goConfig.ts';
import { GOOD, good, KEY, NODE_A, NODE_B, problems } from './harness.ts';

describe('a configuration of the Go program', () => {
  it('is taken as it is', () => {
    const { config } = good(`
lnd:
  network: testnet
  timeout: 5s
  nodes:
    - pubKey: ${NODE_A}
      macaroonPath: /a/macaroon
      tlsCertPath: /a/tls.cert
      lndUrl: localhost:10009
      priority: 1
    - {pubKey: ${NODE_B.toUpperCase()}, macaroonPath: b, tlsCertPath: b, lndUrl: "lnd-b:10009"}
db:
  dsn: postgres://user:pw@localhost:5432/lnmux?sslmode=disable
  poolSize: 5
  minIdleConns: 2
  maxConnAge: 1h30m
  poolTimeout: 15s
  idleTimeout: -1
identityKey: ${KEY}
autoSettle: yes
listenAddress: 0.0.0.0:9190
instrumentationAddress: :2112
logging: {level: WARNING, format: console, withCaller: true, grpcLogging: on}
distributedLock: {namespace: pay, name: lnmux, id: one, devKubeConfig: ~/.kube/config}
routingPolicy: {cltvDelta: 80, feeBaseMsat: 1000, feeRatePpm: 250}
api: {allowPlaintext: true}
`);
    expect(config).toMatchObject({
      lnd: {
        network: 'testnet',
        nodes: [
          {
            pubKey: NODE_A,
            lndUrl: 'localhost:10009',
            macaroonPath: '/a/macaroon',
            tlsCertPath: '/a/tls.cert',
            priority: 1,
          },
          { pubKey: NODE_B, lndUrl: 'lnd-b:10009', priority: 0 },
        ],
      },
      db: {
        poolSize: 5,
        minIdleConns: 2,
        maxConnAgeMs: 5_400_000,
        poolTimeoutMs: 15_000,
        idleTimeoutMs: undefined,
      },
      autoSettle: true,
      listenAddress: '0.0.0.0:9190',
      instrumentationAddress: ':2112',
      logging: { level: 'warn', format: 'console', withCaller: true, grpcLogging: true },
      distributedLock: { namespace: 'pay', name: 'lnmux', id: 'one', devKubeConfig: '~/.kube/config' },
      routingPolicy: { cltvDelta: 80, feeBaseMsat: 1000n, feeRatePpm: 250n },
    });
    expect(config.db.dsn?.reveal()).toContain('user:pw@');
    expect(Buffer.from(config.identityKey.reveal()).toString('hex')).toBe(KEY);
  });

  it('that it shipped as an example loads; its timeout is warned of, and its key', () => {
    const { config, warnings } = good(GO_EXAMPLE);
    expect(warnings.map((warning) => [warning.key, warning.line])).toEqual([
      ['lnd.timeout', 14],
      ['identityKey', 25],
    ]);
    expect(config).toMatchObject({
      lnd: { network: 'regtest', nodes: [{ priority: 1 }, { priority: 2 }] },
      db: { poolSize: 10, maxConnAgeMs: undefined, poolTimeoutMs: 30_000, idleTimeoutMs: 300_000 },
      logging: { level: 'debug', format: 'auto' },
      distributedLock: { name: undefined, id: undefined },
      routingPolicy: { cltvDelta: 40 },
    });
  });

  it.each([
    ['debug', ['', 'd', 'debug', 'DEBUG']],
    ['info', ['i', 'Info']],
    ['warn', ['w', 'warn', 'WARNING']],
    ['error', ['e', 'error', 'errors']],
    ['fatal', ['dp', 'dpanic', 'p', 'panic', 'panics', 'f', 'fatal', 'FATALS']],
  ])('calls the level %s by any of %j', (level, names) => {
    for (const name of names) {
      expect(good(`${GOOD}logging: {level: "${name}"}\n`).config.logging.level).toBe(level);
    }
  });

  it('keeps to the case of keys, as Go did', () => {
    for (const key of ['AutoSettle', 'autosettle', 'AUTOSETTLE']) {
      expect(problems(`${GOOD}${key}: true\n`)).toEqual([
        `lnmux.yml:9: ${key}: unknown key; write autoSettle`,
      ]);
    }
  });

  it('warns of keys that do nothing', () => {
    const { warnings } = good(GOOD.replace('  nodes:', '  timeout: 5s\n  nodes:'));
    expect(warnings.map(formatProblem)).toEqual([expect.stringMatching(/^\/etc.*:3: lnd.timeout: ignored/)]);
  });
});
