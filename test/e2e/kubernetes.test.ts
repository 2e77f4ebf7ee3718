import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeKubeconfig } from '../kubernetes/access.ts';
import { ApiServer, NAMESPACE } from '../kubernetes/apiServer.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { Daemon, killDaemons, type Line, writeConfig } from './daemon.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-e2e-kubernetes-'));
let server: ApiServer;
let database: TestDatabase;

beforeAll(async () => {
  [server, database] = await Promise.all([ApiServer.start(), createTestDatabase()]);
});

afterAll(async () => {
  killDaemons();
  await Promise.all([server?.close(), database?.drop()]);
  rmSync(dir, { recursive: true, force: true });
});

function start(name: string): Daemon {
  const folder = join(dir, name);
  mkdirSync(folder);
  const lock = { namespace: NAMESPACE, name: 'lnmux', devKubeConfig: writeKubeconfig(folder, server) };
  const more = [`distributedLock: ${JSON.stringify(lock)}`];
  return new Daemon(['-c', writeConfig(folder, { dsn: database.dsn, more }), 'run']);
}

const ofLease = ({ lease }: Line) => lease === `${NAMESPACE}/lnmux`;

async function isLeadFree(): Promise<boolean> {
  const [row] = await database.query('SELECT expires_at <= clock_timestamp() AS free FROM lnmux.leader');
  return row?.free === true;
}

it('two lnmuxd and a Lease: one works; robbed of it, it ends at once; stopped, it gives it back last', async () => {
  const first = start('first');
  await first.line('Grpc server starting');
  const firstId = server.book.holder('lnmux');
  expect(firstId).toMatch(/^.+-\d+-[0-9a-f-]{36}$/);
  const second = start('second');
  await second.line('New leader elected', ({ leaderId }) => leaderId === firstId);

  // Somebody else has it: no more decisions, whatever the database would allow.
  const lease = server.book.get('lnmux').body as { spec: object };
  server.book.update('lnmux', { ...lease, spec: { ...lease.spec, holderIdentity: 'thief' } });
  expect(await first.exited).toEqual({ code: 1, signal: null });
  expect(first.lines('Leader status lost, exiting')).toHaveLength(1);
  expect(await isLeadFree()).toBe(false);
  expect(second.lines('Lock acquired')).toEqual([]);

  // The Lease is free, and the lead of the dead one, whose lease would run out by itself.
  const stolen = server.book.get('lnmux').body as { spec: object };
  server.book.update('lnmux', { ...stolen, spec: { ...stolen.spec, holderIdentity: '' } });
  await second.line('Lock acquired', ofLease);
  await database.query(`UPDATE lnmux.leader SET expires_at = '-infinity'`);
  await second.line('Grpc server starting');

  const freeBeforeLease: boolean[] = [];
  server.fate = async (request) => {
    if (request.startsWith('PUT')) freeBeforeLease.push(await isLeadFree());
    return 'answered' as const;
  };
  expect(await isLeadFree()).toBe(false);
  expect(await second.stop()).toEqual({ code: 0, signal: null });
  expect(second.lines('Lock released').map(ofLease)).toEqual([false, true]);
  expect(server.book.holder('lnmux')).toBe('');
  expect(freeBeforeLease.at(-1)).toBe(true);
});

it('outside of a cluster, without a kubeconfig: one line says what to do', async () => {
  const folder = join(dir, 'outside');
  mkdirSync(folder);
  const more = ['distributedLock: {namespace: pay, name: lnmux}'];
  const daemon = new Daemon(['-c', writeConfig(folder, { dsn: database.dsn, more }), 'run'], {
    KUBERNETES_SERVICE_HOST: '',
  });
  expect(await daemon.exited).toEqual({ code: 1, signal: null });
  expect(daemon.output).toMatch(/"level":"fatal".*not a pod.*devKubeConfig/);
});
