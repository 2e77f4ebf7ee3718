import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { explain } from '../../src/daemon/config/explain.ts';
import { formatProblem } from '../../src/daemon/config/load.ts';
import { decode, GOOD, good, KEY, NODE_A, NODE_B, problems } from './harness.ts';

describe('secrets', () => {
  const PASSWORD = 'correcthorsebatterystaple';
  const DSN = `postgres://user:${PASSWORD}@db.example/lnmux`;

  it('do not print', () => {
    const { config, warnings } = good(`${GOOD}db: {dsn: "${DSN}"}\n`);
    const printed = [
      inspect(config, { depth: 9, showHidden: true }),
      JSON.stringify(config, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)),
      `${config.identityKey} ${config.db.dsn}`,
      warnings.map(formatProblem).join('\n'),
    ].join('\n');
    expect(printed).not.toContain(PASSWORD);
    expect(printed).not.toContain(KEY);
    expect(printed).not.toContain(Buffer.from(KEY, 'hex').join(', '));
    expect(warnings.map(formatProblem).join()).toContain('certificate is not verified');
  });

  it('do not get into problems, wherever they are written by mistake', () => {
    const lines = GOOD.replace(KEY, '').split('\n');
    const secrets = [
      KEY,
      KEY.slice(1),
      DSN,
      `"${KEY}`,
      `[${KEY}`,
      `{${KEY}: 1}`,
      `*${KEY}`,
      `!${KEY} x`,
      `'${DSN}`,
    ];
    for (const secret of secrets) {
      for (let i = 0; i < lines.length; i += 1) {
        for (const line of [
          `${lines[i]?.split(':')[0]}: ${secret}`,
          `${lines[i]} ${secret}`,
          secret,
          `${secret}: 1`,
        ]) {
          const text = lines.with(i, line).join('\n');
          const found = [...problems(text), ...decode(text, {}, false).warnings.map(formatProblem)].join(
            '\n',
          );
          expect(found).not.toContain(KEY.slice(1, 40));
          expect(found).not.toContain(PASSWORD);
        }
      }
    }
  });

  it('of the example are refused on mainnet', () => {
    const example = '0a02030405060708010203040506070801020304050607080102030405060708';
    expect(problems(GOOD.replace(KEY, example).replace('regtest', 'mainnet')).join()).toContain(
      'everybody knows',
    );
    const { warnings } = good(GOOD.replace(KEY, example));
    expect(warnings.map(formatProblem).join()).toContain('everybody knows');
  });

  it('of digits only are read as text', () => {
    const digits = '1234567890'.repeat(7).slice(0, 64);
    const { config } = good(GOOD.replace(KEY, digits));
    expect(Buffer.from(config.identityKey.reveal()).toString('hex')).toBe(digits);
    const exponent = `${'1'.repeat(10)}e${'2'.repeat(53)}`;
    const { config: other } = good(GOOD.replace(KEY, exponent));
    expect(Buffer.from(other.identityKey.reveal()).toString('hex')).toBe(exponent);
  });
});

describe('anchors and merge keys', () => {
  it('work as in the Go program', () => {
    const { config } = good(`
lnd:
  network: regtest
  nodes:
    - &first
      pubKey: ${NODE_A}
      lndUrl: localhost:1
      macaroonPath: &m same
      tlsCertPath: *m
    - <<: *first
      pubKey: ${NODE_B}
identityKey: ${KEY}
`);
    expect(config.lnd.nodes.map((node) => [node.pubKey, node.lndUrl, node.tlsCertPath])).toEqual([
      [NODE_A, 'localhost:1', 'same'],
      [NODE_B, 'localhost:1', 'same'],
    ]);
  });

  it('do not blow up', () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 12; i += 1)
      text += `a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join(', ')}]\n`;
    const startedAt = performance.now();
    expect(decode(text).ok).toBe(false);
    expect(decode('a: &a [*a]\nb: &b {<<: *b, c: *b}\n').ok).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });
});

describe('any text', () => {
  const keys = [
    'lnd',
    'nodes',
    'pubKey',
    'db',
    'dsn',
    'poolSize',
    'logging',
    'level',
    'identityKey',
    '<<',
    'limits',
  ];
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1, 1.5, 1e300, '', 'x', KEY, '1m', '<<'),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), tie('node'), { maxKeys: 5 }),
    ),
  })).node;

  it('is decoded or refused, never thrown at', () => {
    const inserted = fc.tuple(fc.nat(GOOD.length), fc.string({ maxLength: 8 }), fc.nat(8));
    const damaged = inserted.map(([at, text, cut]) => GOOD.slice(0, at) + text + GOOD.slice(at + cut));
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'-:?[]{}&*!|>\'"%@`#,\n\t <~ab01'), maxLength: 60 }),
      tree.map((value) => stringify(value)),
      damaged,
    );
    fc.assert(
      fc.property(texts, fc.boolean(), (text, strict) => {
        const result = decode(text, {}, strict);
        const lines = (result.ok ? result.warnings : result.problems).map(formatProblem);
        if (!result.ok) expect(lines.length).toBeGreaterThan(0);
        for (const line of lines) expect(line).not.toMatch(/\n|[0-9a-f]{40}/);
        for (const row of explain({ ...result, problems: result.ok ? [] : result.problems })) {
          expect(row).not.toMatch(/\n|81b637d8fcd2c6da/);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
