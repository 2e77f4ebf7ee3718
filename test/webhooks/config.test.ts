import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { explain } from '../../src/daemon/config/explain.ts';
import { decode, GOOD, good, problems } from '../config/harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'lnmux-webhooks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const KEY = 'c4'.repeat(32);

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

const secretFile = file('webhook.key', `${KEY}\n`);
const hook = (more: string) => `${GOOD}webhooks:\n  - {${more}}\n`;
const whole = `url: "https://shop.example/hooks/lnmux", secretFile: ${secretFile}`;

describe('webhooks', () => {
  it('are none, and events stay for ever, by default', () => {
    const { config } = good(GOOD);
    expect(config.webhooks).toEqual([]);
    expect(config.retention).toEqual({ eventsMs: undefined });
  });

  it('are called by their host and are told everything, unless the file says otherwise', () => {
    const more = `url: http://localhost:8080/x, name: stock, events: [settled, failed], secretFile: ${secretFile}`;
    const { config } = good(`${GOOD}webhooks:\n  - {${whole}}\n  - {${more}}\nretention: {events: 2160h}\n`);
    const [shop, stock] = config.webhooks;
    expect(shop?.name).toBe('shop.example');
    expect(shop?.url.reveal()).toBe('https://shop.example/hooks/lnmux');
    expect(shop?.secret.reveal()).toBe(KEY);
    expect([...(shop?.events ?? [])].sort()).toEqual(
      ['accepted', 'failed', 'given_back', 'settle_requested', 'settled'].sort(),
    );
    expect(stock?.name).toBe('stock');
    expect([...(stock?.events ?? [])]).toEqual(['settled', 'failed']);
    expect(config.retention.eventsMs).toBe(90 * 86_400_000);
    expect(JSON.stringify(config.webhooks)).not.toContain(KEY);
  });

  it('are explained without their secret', () => {
    const result = decode(hook(`${whole}, events: [settled]`));
    const rows = explain({ ...result, problems: [] }).join('\n');
    expect(rows).toContain('events: [settled]');
    expect(rows).not.toContain(KEY);
  });

  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['no url', hook(`secretFile: ${secretFile}`), /:10: webhooks\[0\].url: missing; write where to send/],
    [
      'a url that is none',
      hook(`url: shop, secretFile: ${secretFile}`),
      /:10: webhooks\[0\].url: not a web address/,
    ],
    [
      'plain http beyond this machine',
      hook(`url: "http://shop.example/", secretFile: ${secretFile}`),
      /:10: webhooks\[0\].url: http would show others what is paid; write https/,
    ],
    [
      'a password in the url',
      hook(`url: "https://u:hunter2@shop.example/", secretFile: ${secretFile}`),
      /:10: webhooks\[0\].url: must have no user, password or fragment/,
    ],
    [
      'no secret',
      hook('url: "https://shop.example/"'),
      /:10: webhooks\[0\].secretFile: missing; write the path/,
    ],
    [
      'a secret that is not there',
      hook('url: "https://shop.example/", secretFile: nowhere/webhook.key'),
      /:10: webhooks\[0\].secretFile: .*nowhere\/webhook.key: no such file/,
    ],
    [
      'a short secret',
      hook(`url: "https://shop.example/", secretFile: ${file('short.key', 'abc')}`),
      /:10: webhooks\[0\].secretFile: the key in it has 3 characters; write 32 or more/,
    ],
    [
      'a secret that everybody can read',
      hook(`url: "https://shop.example/", secretFile: ${file('open.key', KEY, 0o644)}`),
      /:10: webhooks\[0\].secretFile: everybody on this machine can read it \(mode 0644\); chmod 600/,
    ],
    [
      'an event that there is not',
      hook(`${whole}, events: [setled]`),
      /:10: webhooks\[0\].events: unknown event "setled"; write settled/,
    ],
    [
      'events that are no list',
      hook(`${whole}, events: settled`),
      /:10: webhooks\[0\].events: must be a list/,
    ],
    [
      'a name that does not do',
      hook(`${whole}, name: "a b"`),
      /:10: webhooks\[0\].name: "a b" does not do; write/,
    ],
    [
      'two of one name',
      `${GOOD}webhooks:\n  - {${whole}}\n  - {${whole}}\n`,
      /:11: webhooks\[1\].name: "shop.example" is the name of webhooks\[0\]; give one of them another/,
    ],
    [
      'more than there may be',
      `${GOOD}webhooks:\n${Array.from({ length: 17 }, (_, i) => `  - {${whole}, name: w${i}}\n`).join('')}`,
      /webhooks: 17 are too many; write at most 16/,
    ],
    ['a webhook that is no list', `${GOOD}webhooks: {${whole}}\n`, /:9: webhooks: must be a list/],
    [
      'an unknown key',
      hook(`${whole}, secret: x`),
      /:10: webhooks\[0\].secret: unknown key; write secretFile/,
    ],
    [
      'events that would be gone too soon',
      `${GOOD}retention: {events: 1h}\n`,
      /:9: retention.events: too short; write 24h or more, or 0s/,
    ],
    [
      'days, which Go does not know',
      `${GOOD}retention: {events: 90d}\n`,
      /:9: retention.events: "90d" is not a duration/,
    ],
  ];
  it.each(cases)('with %s are a problem, in one line', (_what, text, expected) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
    expect(found[0]).not.toContain('hunter2');
    expect(found[0]).not.toContain(KEY);
  });
});
