import { Metadata, status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';
import { neededRole } from '../../src/adapters/grpc/access/methodRoles.ts';
import { includes, ROLES, type Role } from '../../src/adapters/grpc/access/roles.ts';
import { createToken } from '../../src/adapters/grpc/access/tokens.ts';
import { ServiceService } from '../../src/generated/lnmux.ts';
import { AccessFixture, attempt, authority, bearer } from './accessFixture.ts';
import { FakeEvents, PREIMAGE, setOf } from './fakeApplication.ts';
import { ask, type Running, refusal } from './harness.ts';

const METHODS = Object.values(ServiceService);
const GET_INFO = ServiceService.getInfo;
const SETTLE = ServiceService.settleInvoice;

/** What a method says to an empty request, once it is asked at all. */
const ADMITTED = [status.OK, status.INVALID_ARGUMENT, status.NOT_FOUND, status.OUT_OF_RANGE];

/** Who may call what, written down once more and by hand: the table in the code must not be its own witness. */
const MAY: Readonly<Record<string, readonly Role[]>> = {
  GetInfo: ['read', 'invoices', 'settle', 'admin'],
  ListInvoices: ['read', 'invoices', 'settle', 'admin'],
  LookupInvoice: ['read', 'invoices', 'settle', 'admin'],
  SubscribeSingleInvoice: ['read', 'invoices', 'settle', 'admin'],
  WaitForInvoiceFinalStatus: ['read', 'invoices', 'settle', 'admin'],
  SubscribeEvents: ['read', 'invoices', 'settle', 'admin'],
  ListNodes: ['read', 'invoices', 'settle', 'admin'],
  ListFees: ['read', 'invoices', 'settle', 'admin'],
  AddInvoice: ['invoices', 'admin'],
  SubscribeInvoiceAccepted: ['settle', 'admin'],
  SettleInvoice: ['settle', 'admin'],
  CancelInvoice: ['settle', 'admin'],
  DrainNode: ['admin'],
  UndrainNode: ['admin'],
  ListUnresolvedParts: ['read', 'invoices', 'settle', 'admin'],
  FinalizePart: ['admin'],
};

let files: AccessFixture;

beforeEach(() => {
  files = new AccessFixture();
});

async function serve(paths?: Parameters<AccessFixture['serve']>[0]): Promise<Running> {
  const on = await files.serve(paths);
  // Streams that would have nothing to say must answer something, too.
  on.application.initialSets = [setOf(1)];
  on.application.subscribeEvents = () => {
    const events = new FakeEvents();
    events.push({ result: 'beyond', last: 0n });
    return events;
  };
  return on;
}

describe('roles', () => {
  it.each(METHODS)('$path needs one, and it is the one that is written down here', ({ path }) => {
    const needed = neededRole(path);
    expect(needed).toBeOneOf([...ROLES]);
    const name = path.split('/').at(-1) as string;
    expect(MAY[name], 'write down who may call it').toBeDefined();
    expect(ROLES.filter((role) => includes(new Set([role]), needed as Role))).toEqual(MAY[name]);
  });

  it.each(ROLES)('a token with "%s" may call its methods and no others', async (role) => {
    const on = await serve();
    const client = files.connect(on);
    const metadata = bearer(files.token(role, 'shop'));
    const known = async () => (await attempt(client, GET_INFO, metadata)).code === status.OK;
    await expect.poll(known, { timeout: 10_000 }).toBe(true);
    for (const method of METHODS) {
      const { code, details } = await attempt(client, method, metadata);
      const needed = neededRole(method.path);
      if (MAY[method.path.split('/').at(-1) as string]?.includes(role)) {
        expect(ADMITTED, method.path).toContain(code);
      } else {
        expect([method.path, code]).toEqual([method.path, status.PERMISSION_DENIED]);
        const roles = needed === 'admin' ? '"admin"' : `"${needed}" (or admin)`;
        expect(details).toBe(`shop has not the role ${roles}, which this call needs`);
      }
    }
  });

  it.each(ROLES)('a client certificate with "%s" may call its methods and no others', async (role) => {
    const on = await serve();
    const client = files.connect(on, files.client([role]));
    for (const method of METHODS) {
      const { code } = await attempt(client, method);
      const may = MAY[method.path.split('/').at(-1) as string]?.includes(role);
      expect([method.path, code === status.PERMISSION_DENIED]).toEqual([method.path, !may]);
      expect(code).not.toBe(status.UNAUTHENTICATED);
    }
  });

  it('can be several, of a token and of a certificate', async () => {
    const metadata = bearer(files.token('invoices,settle'));
    const on = await serve();
    for (const [client, by] of [
      [files.connect(on), metadata],
      [files.connect(on, files.client(['invoices', 'settle'])), new Metadata()],
    ] as const) {
      for (const method of METHODS) {
        const { code } = await attempt(client, method, by);
        const onlyAdmin = neededRole(method.path) === 'admin';
        expect([method.path, code === status.PERMISSION_DENIED]).toEqual([method.path, onlyAdmin]);
      }
    }
  });
});

describe('a caller that nobody knows', () => {
  it.each(METHODS)('gets nowhere: $path', async (method) => {
    const on = await serve();
    const stranger = await attempt(files.connect(on), method);
    expect(stranger.code).toBe(status.UNAUTHENTICATED);
    expect(stranger.details).toBe(
      'say who you are: send a token in the header "authorization: Bearer TOKEN" (lnmuxd auth token), ' +
        'or connect with a client certificate that is valid and of our authority (lnmuxd auth client)',
    );
    const wrong = await attempt(files.connect(on), method, bearer(createToken()));
    expect(wrong).toEqual({
      code: status.UNAUTHENTICATED,
      details: 'this token is not known here: revoked, mistyped, or made for another lnmuxd',
    });
    expect([on.application.added, on.application.asked, on.application.subscriptions]).toEqual([[], [], []]);
  });

  it.each([
    ['the hash in place of the token', (files_: AccessFixture) => `Bearer ${hashIn(files_)}`],
    ['another scheme', (_: AccessFixture, token: string) => `Basic ${token}`],
    ['no scheme', (_: AccessFixture, token: string) => token],
    ['an empty token', () => 'Bearer '],
    ['half a token', (_: AccessFixture, token: string) => `Bearer ${token.slice(0, 20)}`],
    ['more than a token', (_: AccessFixture, token: string) => `Bearer ${token} ${token}`],
    ['a very long one', () => `Bearer ${'x'.repeat(5_000)}`],
  ])('with %s is refused', async (_, header) => {
    const token = files.token('admin');
    const on = await serve();
    const metadata = new Metadata();
    metadata.set('authorization', header(files, token).trim());
    expect((await attempt(files.connect(on), SETTLE, metadata)).code).toBe(status.UNAUTHENTICATED);
    expect((await attempt(files.connect(on), GET_INFO, bearer(token))).code).toBe(status.OK);
  });

  it.each([
    ['of another authority', () => files.client(['admin'], authority('test authority'))],
    ['that has ended', () => files.client(['admin'], files.ca, [-3, -2])],
    ['that has not begun', () => files.client(['admin'], files.ca, [2, 3])],
  ])('with a client certificate %s is refused, whatever it says', async (_, make) => {
    const on = await serve();
    expect((await attempt(files.connect(on, make()), GET_INFO)).code).toBe(status.UNAUTHENTICATED);
  });

  it('with a server certificate for a client certificate is refused', async () => {
    const on = await serve();
    const { certificate } = await import('./accessFixture.ts');
    const own = certificate('server', { commonName: 'x', units: ['lnmux:admin'] }, files.ca);
    expect((await attempt(files.connect(on, own), GET_INFO)).code).toBe(status.UNAUTHENTICATED);
  });

  it('may ask for health, and for nothing else around it', async () => {
    const on = await serve();
    const client = files.connect(on);
    const common = (path: string, responseStream: boolean) => attempt(client, { path, responseStream });
    expect((await common('/grpc.health.v1.Health/Check', false)).code).toBe(status.OK);
    expect((await common('/grpc.health.v1.Health/Watch', true)).code).toBe(status.UNAUTHENTICATED);
    for (const version of ['v1', 'v1alpha']) {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      expect((await common(path, true)).code).toBe(status.UNAUTHENTICATED);
    }
  });

  it('gets no further in plaintext than to the door', async () => {
    const on = await serve();
    expect((await refusal(ask(on.client, on.client.getInfo, {}))).code).toBe(status.UNAVAILABLE);
  });
});

function hashIn(files_: AccessFixture): string {
  const [entry] = [...files_.lines()];
  return entry?.split('token:')[1]?.trim() ?? '';
}

describe('a certificate without a role', () => {
  it('is told so', async () => {
    const on = await serve();
    const { code, details } = await attempt(files.connect(on, files.client(['nonsense'])), GET_INFO);
    expect([code, details]).toEqual([
      status.PERMISSION_DENIED,
      'client has not the role "read" (or admin), which this call needs',
    ]);
  });

  it('has none by units that are not meant for lnmux', async () => {
    const on = await serve();
    const { certificate } = await import('./accessFixture.ts');
    const own = certificate('client', { commonName: 'x', units: ['admin', 'LNMUX:admin'] }, files.ca);
    expect((await attempt(files.connect(on, own), GET_INFO)).code).toBe(status.PERMISSION_DENIED);
  });
});

describe('only what is configured', () => {
  it('counts: no token without an access file, no certificate without an authority', async () => {
    const token = files.token('admin');
    const certificates = await serve({ accessPath: undefined });
    expect((await attempt(files.connect(certificates), GET_INFO, bearer(token))).code).toBe(
      status.UNAUTHENTICATED,
    );
    const own = files.client(['admin']);
    expect((await attempt(files.connect(certificates, own), GET_INFO)).code).toBe(status.OK);
    const tokens = await serve({ clientCaPath: undefined });
    expect((await attempt(files.connect(tokens, own), GET_INFO)).code).toBe(status.UNAUTHENTICATED);
    expect((await attempt(files.connect(tokens, own), GET_INFO, bearer(token))).code).toBe(status.OK);
  });

  it('counts on this machine in plaintext too', async () => {
    const token = files.token('read');
    const on = await serve({ tlsCertPath: undefined, tlsKeyPath: undefined, clientCaPath: undefined });
    expect((await attempt(on.client, GET_INFO)).code).toBe(status.UNAUTHENTICATED);
    expect((await attempt(on.client, GET_INFO, bearer(token))).code).toBe(status.OK);
    expect((await attempt(on.client, SETTLE, bearer(token))).code).toBe(status.PERMISSION_DENIED);
  });
});

describe('preimages', () => {
  const request = { amtMsat: 1n, description: '', descriptionHash: Buffer.alloc(0), expirySecs: 1n };
  const page = { maxInvoicesCount: 1n, sequenceStart: 0n };

  async function told(on: Running, metadata: Metadata): Promise<readonly string[]> {
    on.application.list = async () => ({ ok: true, invoices: [listed] });
    const client = files.connect(on);
    const added = new Promise<string>((resolve, reject) =>
      client.addInvoice(request, metadata, (error, response) =>
        error ? reject(error) : resolve(response.preimage.toString('hex')),
      ),
    );
    const list = new Promise<string>((resolve, reject) =>
      client.listInvoices(page, metadata, (error, response) =>
        error ? reject(error) : resolve(response.invoice[0]?.preimage.toString('hex') ?? 'none'),
      ),
    );
    return [await added, await list];
  }

  const listed = {
    paymentHash: setOf(1).paymentHash,
    preimage: PREIMAGE,
    amountMsat: 1n,
    status: 'SETTLE_REQUESTED',
    settleRequestedAt: undefined,
    finalizedAt: undefined,
    sequenceNumber: 1n,
  } as const;
  const hex = Buffer.from(PREIMAGE).toString('hex');

  it('are told to admin only', async () => {
    const [admin, others] = [bearer(files.token('admin')), bearer(files.token('read,invoices,settle'))];
    const on = await serve();
    expect(await told(on, admin)).toEqual([hex, hex]);
    expect(await told(on, others)).toEqual(['', '']);
  });

  it('are told to nobody with returnPreimage off', async () => {
    const admin = bearer(files.token('admin'));
    const on = await files.serve({}, { returnPreimage: false });
    expect(await told(on, admin)).toEqual(['', '']);
  });
});
