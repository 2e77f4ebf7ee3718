import { expect, test } from 'vitest';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import { rig, settle } from './rig.ts';

const lost = new LndError('unavailable', 'UNAVAILABLE: connection dropped');

test('an old lnd is taken, with one warning of what it can not do safely, unless minLndVersion says otherwise', async () => {
  const old = '0.16.0-beta commit=v0.16.0-beta';
  const r = rig();
  r.lnd.version = old;
  for (let connection = 0; connection < 2; connection++) {
    const c = await r.connect();
    expect(r.link.ready).toBe(true);
    c.blocks!.closed(lost);
    r.clock.advance(1_000);
    await settle();
  }
  const warnings = r.lines.filter(({ message }) => message === 'This lnd version has known dangers');
  expect(warnings).toMatchObject([
    {
      level: 'warn',
      fields: { version: '0.16.0-beta', weakness: expect.stringMatching(/force closed.*0\.20\.3/) },
    },
  ]);
  const strict = rig({ minLndVersion: 'v0.20.3-beta' });
  strict.lnd.version = old;
  strict.link.start();
  await settle();
  expect(strict.link.status()).toMatchObject({ state: 'refused', ready: false });
  expect(strict.link.status().words).toContain('minimum required version is 0.20.3-beta');
});
