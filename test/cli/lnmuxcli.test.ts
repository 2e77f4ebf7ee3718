import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import { NODE_A, NODE_B, PREIMAGE, reportOf, setOf } from '../grpc/fakeApplication.ts';
import { closeAfterTest, eventually, type Running, running } from '../grpc/harness.ts';
import { run, start } from './harness.ts';

const HASH = '11'.repeat(32);
const SET_ID = '22'.repeat(32);
const CANARY = Buffer.from(PREIMAGE).toString('hex');

const cli = (on: Running, ...args: string[]) => run('lnmuxcli', ['--rpcserver', on.server.address, ...args]);

describe('lnmuxcli, as a process', () => {
  it('getinfo', async () => {
    const done = await cli(await running(), 'getinfo');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toEqual({
      pub_key: NODE_A,
      network: 'regtest',
      nodes: [{ pub_key: NODE_B }, { pub_key: NODE_A }],
      auto_settle: true,
    });
  });

  it('addinvoice, which shows the preimage only when told to', async () => {
    const on = await running();
    const done = await cli(
      on,
      'addinvoice',
      '--amt_msat',
      '20000',
      '--expiry',
      '10m',
      '--memo',
      'tea & cake',
    );
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toEqual({ payment_request: 'lnbcrt1fake', hash: 'cd'.repeat(32) });
    expect(on.application.added[0]).toMatchObject({
      amountMsat: 20_000n,
      expirySecs: 600n,
      description: 'tea & cake',
    });
    const shown = await cli(on, 'addinvoice', '--amt_msat', '1', '--show_preimage');
    expect(JSON.parse(shown.stdout)).toMatchObject({ preimage: CANARY });
  });

  it('settleinvoice and cancelinvoice', async () => {
    const on = await running();
    expect(await cli(on, 'settleinvoice', HASH, SET_ID)).toMatchObject({
      code: 0,
      stdout: '{}\n',
      stderr: '',
    });
    expect(await cli(on, 'cancelinvoice', HASH, SET_ID)).toMatchObject({
      code: 0,
      stdout: '{}\n',
      stderr: '',
    });
    expect(on.application.asked).toEqual([`settle ${HASH} ${SET_ID}`, `cancel ${HASH} ${SET_ID}`]);
  });

  it('gives 1 and the message when the server refuses', async () => {
    const on = await running();
    on.application.settle = async () => ({ result: 'not_found' });
    expect(await cli(on, 'settleinvoice', HASH, SET_ID)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'lnmuxcli: NOT_FOUND: unable to locate invoice\n',
    });
    // The server's own UNAVAILABLE is an answer, not an absence.
    on.application.settle = async () => ({ result: 'unavailable', reason: 'lnmux is in auto-settle mode' });
    expect(await cli(on, 'settleinvoice', HASH, SET_ID)).toMatchObject({
      code: 1,
      stderr: 'lnmuxcli: UNAVAILABLE: lnmux is in auto-settle mode\n',
    });
  });

  it('wait gives 0 for SETTLED only', async () => {
    const on = await running();
    on.application.wait = async () => ({ result: 'settled' });
    const settled = await cli(on, 'wait', HASH);
    expect([settled.code, JSON.parse(settled.stdout)]).toEqual([0, { invoice_status: 'SETTLED' }]);
    on.application.wait = async () => ({ result: 'failed', reason: 'mpp_timeout' });
    const failed = await cli(on, 'wait', HASH);
    expect([failed.code, JSON.parse(failed.stdout)]).toEqual([
      1,
      { invoice_status: 'FAILED', failure_reason: 'mpp_timeout' },
    ]);
  });

  it('lookupinvoice prints the whole report', async () => {
    const on = await running();
    expect(await cli(on, 'lookupinvoice', HASH)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^lnmuxcli: NOT_FOUND: nothing is known/),
    });
    on.application.lookup = { result: 'found', report: reportOf() };
    const done = await cli(on, 'lookupinvoice', HASH);
    expect([done.code, JSON.parse(done.stdout)]).toEqual([
      0,
      {
        hash: HASH,
        state: 'ACCEPTED',
        phase: 'complete',
        explanation: reportOf().explanation,
        set_id: SET_ID,
        amount_msat: '20000',
        total_msat: '20001',
        received_msat: '20001',
        settled_msat: '0',
        parts: [
          {
            node: NODE_B,
            node_name: 'bob',
            chan_id: '18446744073709551615',
            htlc_id: '7',
            amount_msat: '20001',
            cltv_expiry: 800_040,
            fee_msat: '1020',
            auto_fail_height: 800_021,
            status: 'HELD',
          },
        ],
        deadline_height: 800_015,
        blocks_left: 15,
        deadline_seconds_estimate: '9000',
        timeout_seconds_left: '59',
        settle_requested_at: '0',
        finalized_at: '0',
        sequence_number: '0',
      },
    ]);
  });

  it('listunresolved and finalizepart', async () => {
    const on = await running();
    const part = {
      key: { nodeId: NODE_B, chanId: 2n ** 64n - 1n, htlcId: 7n },
      nodeName: '0314aaf9b2',
      configured: false,
      paymentHash: HASH as PaymentHash,
      decision: 'settle',
      amountMsat: 5n,
      autoFailHeight: 800_021,
    } as const;
    on.application.unresolved = [part];
    const listed = await cli(on, 'listunresolved');
    expect([listed.code, JSON.parse(listed.stdout)]).toEqual([
      0,
      {
        parts: [
          {
            node: NODE_B,
            node_name: '0314aaf9b2',
            chan_id: '18446744073709551615',
            htlc_id: '7',
            hash: HASH,
            decision: 'SETTLE',
            amount_msat: '5',
            auto_fail_height: 800_021,
            configured: false,
          },
        ],
        more: false,
      },
    ]);
    const ended = await cli(on, 'finalizepart', NODE_B, '18446744073709551615', '7', 'settled');
    expect(ended).toMatchObject({ code: 0, stdout: '{}\n', stderr: '' });
    expect(on.application.asked.at(-1)).toBe(`finalize ${NODE_B} 18446744073709551615 7 true false`);
    expect(await cli(on, 'finalizepart', NODE_B, '1', '7', 'maybe')).toMatchObject({
      code: 2,
      stderr: 'lnmuxcli: OUTCOME must be settled or failed\n',
    });
  });

  it('events prints one object a line', async () => {
    const on = await running();
    const process_ = start('lnmuxcli', ['--rpcserver', on.server.address, 'events', '--after', '7']);
    await eventually(() => on.application.events.length === 1);
    const event = {
      sequence: 8n,
      type: 'failed',
      paymentHash: HASH as PaymentHash,
      setId: SET_ID as SetId,
      at: 1_700_000_000_999,
      failureReason: 'deadline_reached',
      settledMsat: 0n,
    } as const;
    on.application.events[0]?.push({ result: 'event', event });
    await eventually(() => process_.stdout().endsWith('\n'));
    expect(on.application.asked).toEqual(['events 7']);
    expect(JSON.parse(process_.stdout())).toEqual({
      sequence: '8',
      type: 'FAILED',
      hash: HASH,
      set_id: SET_ID,
      time_ms: '1700000000999',
      failure_reason: 'deadline_reached',
      settled_msat: '0',
    });
    process_.child.kill('SIGINT');
    expect(await process_.finished).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    ['settled', 0],
    ['failed', 1],
  ] as const)('watchinvoice prints a line a state; ended with %s it gives %i', async (state, code) => {
    const on = await running();
    const watching = start('lnmuxcli', ['--rpcserver', on.server.address, 'watchinvoice', HASH]);
    await eventually(() => on.application.watches.length === 1);
    on.application.watches[0]?.push(
      { result: 'report', report: reportOf() },
      { result: 'report', report: reportOf({ state, failureReason: 'deadline_reached' }) },
      { result: 'over' },
    );
    const done = await watching.finished;
    const lines = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect([done.code, done.stderr, lines.map((line) => line.state)]).toEqual([
      code,
      '',
      ['ACCEPTED', state.toUpperCase()],
    ]);
  });

  it('listinvoices, without preimages unless told to', async () => {
    const on = await running();
    on.application.list = async () => ({
      ok: true,
      invoices: [
        {
          paymentHash: HASH as PaymentHash,
          preimage: PREIMAGE,
          amountMsat: 2n ** 60n,
          status: 'SETTLED',
          settleRequestedAt: 1_700_000_000_000,
          finalizedAt: undefined,
          sequenceNumber: 9n,
        },
      ],
    });
    const done = await cli(on, 'listinvoices', '--max', '3', '--start', '7');
    expect(on.application.asked).toEqual(['list 7 3']);
    expect(JSON.parse(done.stdout)).toEqual({
      invoices: [
        {
          hash: HASH,
          amount_msat: '1152921504606846976',
          status: 'SETTLED',
          settle_requested_at: '1700000000',
          finalized_at: '0',
          sequence_number: '9',
        },
      ],
      first_sequence_number: '9',
      last_sequence_number: '9',
    });
    expect(done.stdout).not.toContain(CANARY);
    expect((await cli(on, 'listinvoices', '--show_preimage')).stdout).toContain(CANARY);
  });

  it('subscribe prints one object a line and ends well on Ctrl-C', async () => {
    const on = await running();
    on.application.initialSets = [setOf(1), setOf(2)];
    const process_ = start('lnmuxcli', ['--rpcserver', on.server.address, 'subscribe']);
    await eventually(() => process_.stdout().split('\n').length === 3);
    const lines = process_.stdout().trim().split('\n');
    expect(JSON.parse(lines[1] as string)).toEqual({
      hash: setOf(2).paymentHash,
      set_id: setOf(2).setId,
      deadline_height: 800_002,
      blocks_left: -3,
      deadline_seconds_estimate: '0',
      timeout_seconds_left: '59',
    });
    process_.child.kill('SIGINT');
    expect(await process_.finished).toMatchObject({ code: 0, signal: null, stderr: '' });
    await eventually(() => on.application.subscriptions[0]?.closed === true);
  });

  it('subscribe tells when the server goes', async () => {
    const on = await running();
    const process_ = start('lnmuxcli', ['--rpcserver', on.server.address, 'subscribe']);
    await eventually(() => on.application.subscriptions.length === 1);
    await on.server.close(100);
    const done = await process_.finished;
    expect([1, 3]).toContain(done.code);
    expect(done.stderr).toMatch(/^lnmuxcli: .*\n$/);
  });

  it('a server that says that it ends was reached', async () => {
    const on = await running();
    const process_ = start('lnmuxcli', ['--rpcserver', on.server.address, 'events']);
    await eventually(() => on.application.asked.length === 1);
    await on.server.close(100);
    expect(await process_.finished).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^lnmuxcli: UNAVAILABLE: lnmux is shutting down/),
    });
  });

  it('gives 3 when nobody answers', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };
    await new Promise((resolve) => listener.close(resolve));
    const done = await run('lnmuxcli', ['--rpcserver', `127.0.0.1:${port}`, 'getinfo']);
    expect(done).toMatchObject({ code: 3, stdout: '' });
    expect(done.stderr).toMatch(/^lnmuxcli: can't reach 127.0.0.1:\d+: connect ECONNREFUSED [^\n]*\n$/);
  });

  it('gives 2 and one line for wrong arguments', async () => {
    const done = await run('lnmuxcli', ['addinvioce']);
    expect(done).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: 'lnmuxcli: unknown command "addinvioce": did you mean addinvoice?\n',
    });
    const certificate = await run('lnmuxcli', ['--tlscertpath', '/nonexistent', 'getinfo']);
    expect(certificate).toMatchObject({
      code: 2,
      stderr: 'lnmuxcli: --tls-cert /nonexistent: no such file\n',
    });
  });

  it('helps', async () => {
    const general = await run('lnmuxcli', []);
    expect(general.code).toBe(0);
    for (const name of ['getinfo', 'subscribe', 'decode']) expect(general.stdout).toContain(`  ${name} `);
    const one = await run('lnmuxcli', ['settleinvoice', '--help']);
    expect(one.stdout).toContain('usage: lnmuxcli settleinvoice HASH SETID');
    expect(one.stdout).toContain('example: lnmuxcli settleinvoice');
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect((await run('lnmuxcli', ['--version'])).stdout).toBe(`lnmuxcli ${version}\n`);
  });

  it('decode asks no server', async () => {
    const vectors = readFileSync(new URL('invoice.txt', import.meta.url), 'utf8').trim();
    const done = await run('lnmuxcli', ['decode', vectors]);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({
      destination: '031df11fcf521bf537579cd91c192b28343adcd04970817bcd68a3ca43648effce',
      payment_hash: 'a433505f399f1fbe13d16e3ddbd8c0260d17c9eda6ea0bbe1e4ccf4bbd463fb6',
      network: 'regtest',
      num_msat: '10000',
      expiry: '60',
      description: 'test',
      cltv_expiry: '40',
      features: [9, 14, 17],
      route_hints: [
        { hop_hints: [{ chan_id: '18411990517568058398', fee_base_msat: 1000, cltv_expiry_delta: 10 }] },
        { hop_hints: [{ chan_id: '13074747719478996467' }] },
      ],
    });
    const broken = await run('lnmuxcli', ['decode', `${vectors.slice(0, -1)}q`]);
    expect(broken.code).toBe(2);
    expect(broken.stderr).toMatch(/^lnmuxcli: not a valid invoice: [^\n]+\n$/);
  });
});

it('a server that is only half there is not taken for an answer', async () => {
  const sockets = createServer((socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  sockets.listen(0, '127.0.0.1');
  closeAfterTest(() => void sockets.close());
  await new Promise((resolve) => sockets.once('listening', resolve));
  const { port } = sockets.address() as { port: number };
  const done = await run('lnmuxcli', ['--rpcserver', `127.0.0.1:${port}`, 'getinfo']);
  expect(done.code).toBe(3);
});
