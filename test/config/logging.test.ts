import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from '../../src/daemon/logging/logger.ts';

async function logger(options: Partial<LoggerOptions['config']> = {}, terminal = false) {
  const lines: string[] = [];
  const config = { level: 'debug', format: 'auto', withCaller: false, ...options } as const;
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: await createLogger({ config, destination, terminal }), lines };
}

describe('the log', () => {
  it('is JSON where nobody watches, with the keys of the Go program', async () => {
    const { log, lines } = await logger();
    log.info({ hash: 'ab', amt: 5n }, 'Htlc received');
    const line = JSON.parse(lines[0] as string) as Record<string, unknown>;
    expect(line).toMatchObject({ level: 'info', msg: 'Htlc received', hash: 'ab', amt: '5' });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Object.keys(line)).not.toContain('pid');
  });

  it('is one readable line on a terminal', async () => {
    const { log, lines } = await logger({}, true);
    log.warn({ node: 'a' }, 'Node unavailable');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/WARN.*Node unavailable.*"node":"a"/);
    const { log: forced, lines: json } = await logger({ format: 'json' }, true);
    forced.info({}, 'x');
    expect(() => JSON.parse(json[0] as string)).not.toThrow();
    const { log: console_, lines: console } = await logger({ format: 'console' }, false);
    console_.info({}, 'x');
    expect(() => JSON.parse(console[0] as string)).toThrow();
  });

  it.each([
    ['debug', 5],
    ['info', 4],
    ['warn', 3],
    ['error', 2],
    ['fatal', 1],
  ] as const)('at level %s writes %d of five lines, however often', async (level, expected) => {
    const { log, lines } = await logger({ level });
    for (let i = 0; i < 300; i += 1) {
      log.debug({}, 'same');
      log.info({}, 'same');
      log.warn({}, 'same');
      log.error({}, 'same');
      log.fatal({}, 'same');
    }
    expect(lines).toHaveLength(expected * 300);
  });

  it('names the caller when asked to', async () => {
    for (const format of ['json', 'console'] as const) {
      const { log, lines } = await logger({ withCaller: true, format });
      log.info({}, 'x');
      expect(lines[0]).toContain('config/logging.test.ts:');
    }
  });

  it('keeps the fields of every generation of children', async () => {
    const { log, lines } = await logger();
    log.child({ a: 1 }).child({ b: 2 }).child({ c: 3 }).info({ d: 4 }, 'x');
    expect(JSON.parse(lines[0] as string)).toMatchObject({ a: 1, b: 2, c: 3, d: 4 });
  });

  it('hides what must not be there, at any depth, in children and in errors', async () => {
    const canary = 'c0ffee'.repeat(11);
    for (const format of ['json', 'console'] as const) {
      const { log, lines } = await logger({ format });
      const secrets = { preimage: canary, Macaroon: canary, identityKey: canary, payment_addr: canary };
      log.info({ ...secrets, deep: { er: [secrets] } }, 'x');
      log.child(secrets).child({ preimage: canary }).error({}, 'x');
      log.error({ err: new Error(`bad ${canary} at postgres://u:${canary.slice(0, 9)}@h/d`) }, 'x');
      log.info({ bytes: Buffer.from(canary), nested: { bytes: new Uint8Array(40).fill(7) } }, 'x');
      const text = lines.join('\n');
      expect(text).not.toContain('c0ffee');
      expect(text).not.toContain('7,7,7');
      expect(text).toContain('bad <hidden>');
      expect(text).toContain('<66 bytes>');
    }
  });

  it('survives whatever it is given', async () => {
    const { log, lines } = await logger();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    log.info({ circular, nothing: undefined, fn: () => 1, symbol: Symbol('s'), map: new Map([[1, 2]]) }, 'x');
    expect(lines).toHaveLength(1);
  });
});
