import { Metadata } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { AccessControl, ANYBODY } from '../../src/adapters/grpc/access/accessControl.ts';
import { AccessFixture, attempt, bearer } from './accessFixture.ts';

const digest = Buffer.alloc(32, 1);
const roles = new Set(['admin'] as const);
const PATH = '/lnmux.Service/GetInfo';

it('nobody may call a method without a role, not even where everybody may do everything', () => {
  for (const asks of [true, false]) {
    const control = new AccessControl({ tokens: asks, certificates: false });
    control.setEntries([{ name: 'root', roles, kind: 'token', digest }]);
    const credential = { kind: 'token', digest } as const;
    expect(control.admit(PATH, credential)).toMatchObject({ ok: true });
    expect(control.admit('/lnmux.Service/New', credential)).toMatchObject({ code: 'permission_denied' });
  }
  expect(new AccessControl({ tokens: false, certificates: false }).admit(PATH, { kind: 'none' })).toEqual({
    ok: true,
    principal: ANYBODY,
  });
});

it('a certificate that ends while its connection lasts is worth nothing from then on', () => {
  let now = 1_000;
  const control = new AccessControl({ tokens: false, certificates: true }, () => now);
  const credential = { kind: 'cert', certificate: { name: 'x', roles, digest, validTo: 2_000 } } as const;
  expect(control.admit(PATH, credential)).toMatchObject({ ok: true });
  now = 2_000;
  expect(control.admit(PATH, credential)).toMatchObject({ ok: false, code: 'unauthenticated' });
  const unreadable = { ...credential, certificate: { ...credential.certificate, validTo: Number.NaN } };
  expect(control.admit(PATH, unreadable)).toMatchObject({ ok: false });
});

it('a handler never sees how its caller showed who it is', async () => {
  const files = new AccessFixture();
  const token = files.token('admin');
  const on = await files.serve();
  const seen: string[] = [];
  const remove = Metadata.prototype.remove;
  Metadata.prototype.remove = function (this: Metadata, key: string) {
    remove.call(this, key);
    if (key === 'authorization') seen.push(JSON.stringify(this.getMap()));
  };
  try {
    await attempt(files.connect(on), { path: PATH, responseStream: false }, bearer(token));
  } finally {
    Metadata.prototype.remove = remove;
  }
  expect(seen).toHaveLength(1);
  expect(seen[0]).not.toContain(token);
});
