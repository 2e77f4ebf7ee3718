import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { App } from './application.ts';
import { ClusterNode, eventually } from './cluster.ts';
import { type ConfigChoices, Daemon, killDaemons, writeConfig } from './daemon.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-e2e-instruments-'));
const alice = new ClusterNode('alice', dir, 1);
let database: TestDatabase;
let folders = 0;

beforeAll(async () => {
  [database] = await Promise.all([createTestDatabase(), alice.start()]);
});

afterAll(async () => {
  killDaemons();
  await alice.close();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

function run(choices: ConfigChoices = {}): Daemon {
  folders += 1;
  const folder = join(dir, `config-${folders}`);
  mkdirSync(folder);
  const daemon = new Daemon([
    '-c',
    writeConfig(folder, { nodes: [alice.config], dsn: database.dsn, ...choices }),
    'run',
  ]);
  onTestFinished(async () => {
    await daemon.kill();
    await database.query(`UPDATE lnmux.leader SET expires_at = '-infinity'`);
  });
  return daemon;
}

const get = async (daemon: Daemon, path: string) => {
  const { instrumentationAddress } = await daemon.line('Instrumentation HTTP server starting');
  const response = await fetch(`http://${instrumentationAddress}${path}`);
  return { status: response.status, body: await response.text() };
};

const metrics = async (daemon: Daemon) => (await get(daemon, '/metrics')).body.split('\n');

describe('the instrumentation of a cluster of two lnmuxd', () => {
  it('answers on both: the leader is ready, the standby is alive and says what it lacks', async () => {
    const leader = run();
    const app = new App(await leader.address());
    onTestFinished(() => app.close());
    await leader.line('Node ready');
    await app.subscribe();
    const standby = run();
    await standby.line('Acquiring lock');

    expect(await get(leader, '/readyz')).toMatchObject({ status: 200 });
    expect((await get(leader, '/healthz')).status).toBe(200);
    expect((await get(standby, '/healthz')).status).toBe(200);
    const { status, body } = await get(standby, '/readyz');
    expect([status, JSON.parse(body)]).toEqual([
      503,
      {
        ready: false,
        role: 'standby',
        missing: ['the lead: another lnmuxd has it, this one takes over when it ends'],
        nodes: [],
      },
    ]);

    const labels = (method: string, type = 'unary') =>
      `grpc_type="${type}",grpc_service="lnmux.Service",grpc_method="${method}"`;
    await eventually(async () =>
      (await metrics(leader)).includes(`grpc_server_handled_total{${labels('GetInfo')},grpc_code="OK"} 1`),
    );
    expect(await metrics(leader)).toEqual(
      expect.arrayContaining([
        'lnmux_disconnected_nodes 0',
        'lnmux_invoice_accepted_subscribers 1',
        'lnmux_leader 1',
        `grpc_server_started_total{${labels('GetInfo')}} 1`,
        `grpc_server_msg_received_total{${labels('GetInfo')}} 1`,
        `grpc_server_msg_sent_total{${labels('GetInfo')}} 1`,
        `grpc_server_started_total{${labels('SubscribeInvoiceAccepted', 'server_stream')}} 1`,
        `grpc_server_handled_total{${labels('SettleInvoice')},grpc_code="FailedPrecondition"} 0`,
        'grpc_client_started_total{grpc_type="unary",grpc_service="lnrpc.Lightning",grpc_method="GetInfo"} 1',
        'grpc_client_started_total{grpc_type="bidi_stream",grpc_service="routerrpc.Router",grpc_method="HtlcInterceptor"} 1',
        'lnmux_node_ready{node="alice"} 1',
        'lnmux_limit_used{limit="maxSubscribers"} 1',
      ]),
    );
    expect(await metrics(standby)).toEqual(
      expect.arrayContaining([
        'lnmux_disconnected_nodes 0',
        'lnmux_leader 0',
        `grpc_server_started_total{${labels('AddInvoice')}} 0`,
        expect.stringMatching(/^process_cpu_seconds_total \d/),
        expect.stringMatching(/^nodejs_eventloop_lag_seconds \d/),
      ]),
    );

    await alice.kill();
    await eventually(async () => (await get(leader, '/readyz')).status === 503);
    expect(await metrics(leader)).toContain('lnmux_disconnected_nodes 1');
    await alice.start();
  });

  it('does without a busy port, and keeps health apart where that is asked for', async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void busy.close());
    const address = busy.address();
    const instrumentationAddress = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const daemon = run({ instrumentationAddress, more: ['healthAddress: 127.0.0.1:0'] });
    await daemon.address();
    const complaints = daemon.lines(
      `Instrumentation HTTP server can't listen on ${instrumentationAddress}: the port is in use; ` +
        'stop the program that has it (another lnmuxd?) or change instrumentationAddress; trying again',
    );
    expect(complaints).toHaveLength(1);
    const { healthAddress } = await daemon.line('Health HTTP server starting');
    expect((await fetch(`http://${healthAddress}/healthz`)).status).toBe(200);
    expect((await fetch(`http://${healthAddress}/metrics`)).status).toBe(404);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  });
});
