import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/daemon/config/explain.ts';
import { visible } from '../../src/daemon/config/setting.ts';
import { decode, GOOD, KEY, NODE_A, NODE_B } from './harness.ts';

function rows(text: string, env: NodeJS.ProcessEnv = {}): readonly string[] {
  const result = decode(text, env);
  return explain({ ...result, problems: result.ok ? [] : result.problems });
}

describe('the explanation of a configuration', () => {
  it('says of every key where it comes from, and below it what is wrong', () => {
    const text = `# how we do it
lnd:
  network: moon
  nodes:
    - pubKey: ${NODE_A}
      lndUrl: localhost:10009
      macaroonPath: a.macaroon
      tlsCertPath: a.cert
    - name: b
      lndUrl: b:10009
      pubKey: ${NODE_B}
      macaroonPath: b.macaroon
identityKey: ${KEY}
logging:
  level: warn
autoSetle: hunter2
`;
    const found = rows(text, { LNMUX_PERSISTENCE_POSTGRES_DSN: 'postgres://u:correcthorse@localhost/d' });
    const isDefault = (row: string) => row.startsWith('  default');
    expect(found.filter((row) => !isDefault(row))).toEqual([
      '        2  lnd:',
      '        3    network: moon',
      '    wrong    ^ unsupported network "moon"; write mainnet, testnet, testnet4, signet, regtest or simnet',
      '        4    nodes:',
      `        5      - pubKey: ${NODE_A}`,
      '        6        lndUrl: localhost:10009',
      '        7        macaroonPath: a.macaroon',
      '        8        tlsCertPath: a.cert',
      '        9      - name: b',
      '       10        lndUrl: b:10009',
      `       11        pubKey: ${NODE_B}`,
      '       12        macaroonPath: b.macaroon',
      "    wrong        ^ missing; write the path of lnd's tls.cert",
      '       13  identityKey: <hidden>   # of node 031df11fcf521bf537579cd91c192b28343adcd04970817bcd68a3ca43648effce',
      '       14  logging:',
      '       15    level: warn',
      '       16  autoSetle: …',
      '    wrong  ^ unknown key; write autoSettle',
      '      env    dsn: postgres://u:***@localhost/d   # from LNMUX_PERSISTENCE_POSTGRES_DSN',
    ]);
    const at = (row: string) => found.indexOf(row);
    const missing = at('  default        tlsCertPath: (not set)');
    expect(found[missing + 1]).toMatch(/^ {4}wrong {8}\^ missing/);
    expect(at('  default        name: 020723c6f2')).toBeLessThan(at('        9      - name: b'));
    expect(at('  default    format: (empty)')).toBeGreaterThan(at('       15    level: warn'));
    expect(at('  default  autoSettle: false')).toBeGreaterThan(at('       16  autoSetle: …'));
    expect(at('  default    dsnFile: (not set)')).toBeGreaterThan(at('  default  db:'));
  });

  it('tells what the environment replaces', () => {
    const text = `${GOOD}distributedLock: {name: a, namespace: b, id: c}\n`;
    const env = { LNMUX_IDENTITY_KEY: 'ff', LNMUX_DISTRIBUTEDLOCK_ID: '' };
    const found = rows(text, env);
    expect(found).toContain('      env    id: (empty)   # from LNMUX_DISTRIBUTEDLOCK_ID, instead of line 9');
    const at = found.indexOf(
      '      env  identityKey: <hidden>   # from LNMUX_IDENTITY_KEY, instead of line 8',
    );
    expect(found[at + 1]).toMatch(/^ {4}wrong {2}\^ invalid identity key length: 2 characters/);
  });

  it('shows every problem and every warning once, wherever it belongs', () => {
    const both = { LNMUX_IDENTITY_KEY: 'ff', LNMUX_IDENTITY_KEY_FILE: 'x' };
    expect(rows(GOOD, both).at(-1)).toMatch(/^ {4}wrong {2}LNMUX_IDENTITY_KEY_FILE: set together/);
    const damages = fc.constantFrom(
      'autoSettle: 7',
      'db: 3',
      'foo: 1',
      'lnd: x',
      'routingPolicy: {a.b: 1}',
      'limits:',
    );
    fc.assert(
      fc.property(fc.uniqueArray(damages), fc.nat(7), (damage, cut) => {
        const text = `${GOOD.split('\n').toSpliced(cut, 1).join('\n')}${damage.join('\n')}\n`;
        const result = decode(text);
        if (result.settings.length === 0) return;
        const all = [...(result.ok ? [] : result.problems), ...result.warnings].map(({ message }) => message);
        const marked = rows(text).filter((row) => /^ *(wrong|warning) /.test(row));
        expect(marked).toHaveLength(all.length);
        for (const message of all) expect(marked.some((row) => row.endsWith(message))).toBe(true);
      }),
    );
  });

  it('masks secrets, also those under a wrong key', () => {
    const password = 'correcthorse';
    const dsn = `postgres://u:${password}@db/x`;
    const lines = GOOD.replace(KEY, '').split('\n');
    for (let i = 0; i < lines.length; i += 1) {
      for (const secret of [KEY, dsn, `${KEY}: 1`]) {
        const shown = rows(lines.with(i, `${lines[i]?.split(':')[0]}: ${secret}`).join('\n')).join('\n');
        expect(shown).not.toContain(KEY.slice(0, 16));
        expect(shown).not.toContain(password);
      }
    }
    expect(visible(NODE_A)).toBe(NODE_A);
    expect(visible('/var/lib/lnd/data/chain/bitcoin/mainnet/lnmux.macaroon')).toMatch(/^\/var.*macaroon$/);
  });
});
