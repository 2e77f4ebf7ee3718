import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authCommand } from '../../src/daemon/cli/authCommand.ts';
import { eventually, running } from '../grpc/harness.ts';
import { type Finished, run, start } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'lnmux-auth-'));
const dir = join(folder, 'auth');
const at = (name: string) => join(dir, name);
const auth = (...args: string[]) => run('lnmuxd', ['auth', ...args], { cwd: folder });

let made: Finished[];
let token: string;

/** What an operator types, one after the other. */
beforeAll(async () => {
  made = [
    await auth('ca'),
    await auth('server', '--host', 'lnmux.example,10.0.0.5'),
    await auth('client', '--name', 'shop', '--role', 'invoices,settle'),
    await auth('token', '--name', 'monitor', '--role', 'read'),
  ];
  token = made[3]?.stdout.trim() ?? '';
});

afterAll(() => rmSync(folder, { recursive: true }));

const certificate = (name: string) => new X509Certificate(readFileSync(at(name)));

/** Runs in this process, which is quicker; gives the exit status and what was said. */
async function here(...args: string[]): Promise<{ code: number; said: string }> {
  const { write: stderr } = process.stderr;
  const { write: stdout } = process.stdout;
  let said = '';
  const hear = ((text: string) => {
    said += text;
    return true;
  }) as typeof process.stderr.write;
  process.stderr.write = hear;
  process.stdout.write = hear;
  try {
    return { code: await authCommand(args), said };
  } finally {
    process.stderr.write = stderr;
    process.stdout.write = stdout;
  }
}

describe('lnmuxd auth', () => {
  it('makes an authority, certificates and a token, and says what to do with them', () => {
    expect(made.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const [ca, server, client, tokens] = made.map(({ stderr }) => stderr);
    expect(ca).toMatch(/Whoever has it can make themselves admin/);
    for (const key of ['tlsCertPath', 'tlsKeyPath', 'clientCaPath', 'accessPath']) {
      expect(server).toMatch(new RegExp(`^ {4}${key}: ${folder}/auth/`, 'm'));
    }
    expect(client).toContain('--tls-client-cert auth/shop.crt --tls-client-key auth/shop.key getinfo');
    expect(tokens).toContain('shown this once');
    expect(made.map(({ stdout }) => stdout)).toEqual(['', '', '', `${token}\n`]);
  });

  it('keeps keys and the list to their owner, and the token nowhere', () => {
    const files = readdirSync(dir);
    expect(files.sort()).toEqual([
      'access',
      'ca.crt',
      'ca.key',
      'server.crt',
      'server.key',
      'shop.crt',
      'shop.key',
    ]);
    for (const file of files) {
      expect([file, statSync(at(file)).mode & 0o777]).toEqual([file, file.endsWith('.crt') ? 0o644 : 0o600]);
      expect(readFileSync(at(file), 'utf8')).not.toContain(token.slice(10));
    }
    expect(token).toMatch(/^lnmux_[\w-]{43}$/);
    expect(made.map(({ stderr }) => stderr).join()).not.toContain(token.slice(10));
  });

  it('makes certificates for what they are for, and for no longer than told', () => {
    const [ca, server, client] = [certificate('ca.crt'), certificate('server.crt'), certificate('shop.crt')];
    for (const each of [server, client]) {
      expect([each.checkIssued(ca), each.verify(ca.publicKey), each.ca]).toEqual([true, true, false]);
    }
    expect(ca.ca).toBe(true);
    expect(server.subjectAltName).toBe(
      'DNS:lnmux.example, IP Address:10.0.0.5, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect([server.keyUsage, client.keyUsage]).toEqual([['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.2']]);
    expect(client.subject).toBe('OU=lnmux:invoices\nOU=lnmux:settle\nCN=shop');
    const days = (each: X509Certificate) => Math.round((Date.parse(each.validTo) - Date.now()) / 86_400_000);
    expect([days(ca), days(server), days(client)]).toEqual([3_650, 730, 365]);
  });

  it('works with lnmuxd and lnmuxcli as it is told to', async () => {
    const access = {
      tlsCertPath: at('server.crt'),
      tlsKeyPath: at('server.key'),
      clientCaPath: at('ca.crt'),
      accessPath: at('access'),
    };
    const { server } = await running({ access, accessCheckMs: 10 });
    const where = ['--rpcserver', server.address, '--tls-cert', at('ca.crt')];
    const cli = (args: string[], env = {}) => run('lnmuxcli', [...where, ...args], { env });
    const certificates = ['--tls-client-cert', at('shop.crt'), '--tls-client-key', at('shop.key')];
    writeFileSync(join(folder, 'token'), `${token}\n`);
    const add = ['addinvoice', '--amt_msat', '1'];
    const [byCertificate, byFile, byEnv, denied, stranger] = await Promise.all([
      cli([...certificates, ...add, '--show_preimage']),
      cli(['--token-file', join(folder, 'token'), 'getinfo']),
      run('lnmuxcli', ['getinfo'], {
        env: { LNMUX_RPCSERVER: server.address, LNMUX_TLS_CERT: at('ca.crt'), LNMUX_TOKEN: token },
      }),
      cli(add, { LNMUX_TOKEN: token }),
      cli(['getinfo']),
    ]);
    expect(byCertificate).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(byCertificate.stdout)).toMatchObject({ payment_request: 'lnbcrt1fake', preimage: '' });
    expect([byFile.code, byEnv.code]).toEqual([0, 0]);
    expect(denied).toMatchObject({
      code: 1,
      stderr:
        'lnmuxcli: PERMISSION_DENIED: monitor has not the role "invoices" (or admin), which this call needs\n',
    });
    expect(stranger.code).toBe(1);
    expect(stranger.stderr).toMatch(/^lnmuxcli: UNAUTHENTICATED: say who you are: .*--tls-client-cert\)\n$/);
    for (const { stderr } of [denied, stranger]) expect(stderr).not.toContain(token.slice(10));
  });

  it('a plaintext caller of a TLS server is told what is missing', async () => {
    const access = { clientCaPath: undefined, accessPath: at('access') };
    const { server } = await running({
      access: { ...access, tlsCertPath: at('server.crt'), tlsKeyPath: at('server.key') },
    });
    const done = await run('lnmuxcli', ['--rpcserver', server.address, 'getinfo']);
    expect(done.code).toBe(3);
    expect(done.stderr).toMatch(/with TLS \(--tls-cert\)\?\n$/);
  });

  it('takes tokens and certificates back, and a running stream with them', async () => {
    const access = {
      tlsCertPath: at('server.crt'),
      tlsKeyPath: at('server.key'),
      clientCaPath: at('ca.crt'),
      accessPath: at('access'),
    };
    const on = await running({ access, accessCheckMs: 10 });
    expect(await here('client', '--dir', dir, '--name', 'till', '--role', 'settle')).toMatchObject({
      code: 0,
    });
    const subscribed = start('lnmuxcli', [
      ...['--rpcserver', on.server.address, '--tls-cert', at('ca.crt')],
      ...['--tls-client-cert', at('till.crt'), '--tls-client-key', at('till.key'), 'subscribe'],
    ]);
    await eventually(() => on.application.subscriptions.length === 1);
    expect((await here('revoke', '--dir', dir, '--name', 'till')).said).toContain('knows within seconds');
    const done = await subscribed.finished;
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('UNAUTHENTICATED: the client certificate was revoked');
    const listed = async () => (await here('list', '--dir', dir)).said;
    expect(await listed()).toMatch(/^till +certificate +revoked +until \d{4}-\d\d-\d\d$/m);
    expect(await listed()).toMatch(/^monitor +token +read$/m);
    await here('revoke', '--dir', dir, '--name', 'monitor');
    expect(await listed()).not.toContain('monitor');
    expect(readFileSync(at('access'), 'utf8')).toMatch(/^# Who may call/);
  });
});

describe('lnmuxd auth refuses', () => {
  it.each([
    ['', ['tokn'], 2, /unknown command "tokn": did you mean token\?/],
    ['a token without a role', ['token', '--name', 'x'], 2, /--role is missing: for example --role/],
    [
      'an unknown role',
      ['token', '--name', 'x', '--role', 'root'],
      2,
      /must be of read, invoices, settle, admin/,
    ],
    ['a name with a path', ['client', '--name', '../x', '--role', 'read'], 2, /--name may have letters/],
    ['the name of a file of its own', ['client', '--name', 'ca', '--role', 'read'], 2, /--name ca is taken/],
    ['a host with a port', ['server', '--host', 'a:1'], 2, /without ports/],
    ['a host that is no address', ['server', '--host', '10.0.0.256'], 2, /names and addresses/],
    ['days beyond a century', ['ca', '--days', '99999'], 2, /--days must be 1 to 36500/],
    ['to make a second authority', ['ca'], 1, /everything that it signed would be worthless/],
    [
      'to replace the server',
      ['server', '--host', 'a'],
      1,
      /server.key|server.crt is there already: --force/,
    ],
    [
      'to replace a client',
      ['client', '--name', 'shop', '--role', 'read'],
      1,
      /revoke shop, or choose another/,
    ],
    ['to revoke nobody', ['revoke', '--name', 'nobody'], 1, /nobody is called nobody/],
  ])('%s %o', async (_, args, code, said) => {
    const done = await here(...args, '--dir', dir);
    expect(done.code).toBe(code);
    expect(done.said).toMatch(said);
    expect(done.said.trim()).not.toContain('\n');
  });

  it('two tokens of one name, and to sign without an authority', async () => {
    const other = join(folder, 'other');
    expect((await here('client', '--name', 'x', '--role', 'read', '--dir', other)).said).toContain(
      'make an authority first, with lnmuxd auth ca',
    );
    const again = ['token', '--name', 'x', '--role', 'read', '--dir', other];
    expect((await here(...again)).code).toBe(0);
    expect(await here(...again)).toMatchObject({ code: 1 });
  });

  it('to write where somebody else is writing', async () => {
    const other = join(folder, 'busy');
    await here('token', '--name', 'x', '--role', 'read', '--dir', other);
    writeFileSync(join(other, 'access.new'), '');
    const done = await here('token', '--name', 'y', '--role', 'read', '--dir', other);
    expect(done.said).toContain('another lnmuxd auth is at work');
    expect(readFileSync(join(other, 'access'), 'utf8')).not.toMatch(/^y /m);
  });
});
