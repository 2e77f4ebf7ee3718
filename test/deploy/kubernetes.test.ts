import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLeaseApi } from '../../src/adapters/kubernetes/leaseApi.ts';
import { LeaseStore } from '../../src/adapters/kubernetes/leaseStore.ts';
import { steadyClock } from '../../src/daemon/run/systemClock.ts';
import { Daemon, killDaemons, writeConfig } from '../e2e/daemon.ts';
import { writeKubeconfig } from '../kubernetes/access.ts';
import { ControlPlane, hasControlPlane } from '../kubernetes/controlPlane.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { CASES, EVERYTHING, MINIMAL } from './helm/cases.ts';
import { type Fields, renderChart } from './helm/chart.ts';

const RELEASE = { name: 'pay', namespace: 'payments' };
const render = (values: Fields) => renderChart(values, RELEASE).objects;

/** Any part of an object, for tests. */
// biome-ignore lint/suspicious/noExplicitAny: a tree of any shape, looked into by tests only
type Any = any;

/** Where the API has each kind, under its group and version. */
const PLURALS: Readonly<Record<string, string>> = {
  ConfigMap: 'configmaps',
  Deployment: 'deployments',
  Job: 'jobs',
  NetworkPolicy: 'networkpolicies',
  Pod: 'pods',
  PodDisruptionBudget: 'poddisruptionbudgets',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  Service: 'services',
  ServiceAccount: 'serviceaccounts',
};
/** Kinds of others, which a cluster knows only with their operator. */
const FOREIGN = ['ServiceMonitor'];

function placeOf({ apiVersion, kind }: Any): string {
  const group = String(apiVersion).includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}/namespaces/${RELEASE.namespace}/${PLURALS[kind]}`;
}

it('every kind that the chart makes has a place in the API', () => {
  const kinds = new Set(Object.values(CASES).flatMap((values) => render(values).map(({ kind }) => kind)));
  expect([...Object.keys(PLURALS), ...FOREIGN]).toEqual(expect.arrayContaining([...kinds]));
});

let plane: ControlPlane;
let database: TestDatabase;
const dir = mkdtempSync(join(tmpdir(), 'lnmux-deploy-kubernetes-'));

async function create(place: string, body: Fields): Promise<Any> {
  const answer = await plane.request('POST', place, body);
  if (answer.status !== 201) throw new Error(`${place}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What the server has against an object, of which it then keeps nothing. */
async function refusal(object: Any): Promise<string[]> {
  const answer = await plane.request('POST', `${placeOf(object)}?dryRun=All&fieldValidation=Strict`, object);
  if (answer.status === 201) return [];
  return [`${object.kind} ${object.metadata.name}: ${(answer.body as Any)?.message}`];
}

async function refusals(objects: readonly Fields[]): Promise<string[]> {
  const own = objects.filter(({ kind }) => !FOREIGN.includes(String(kind)));
  return (await Promise.all(own.map(refusal))).flat();
}

/** The pods that a Deployment and a Job would start. */
const podsOf = (objects: readonly Fields[]): Fields[] =>
  objects.flatMap(({ kind, spec, metadata }: Any) =>
    kind === 'Deployment' || kind === 'Job'
      ? [
          {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { ...spec.template.metadata, name: metadata.name },
            spec: { ...spec.template.spec, serviceAccountName: 'default' },
          },
        ]
      : [],
  );

function objectsOfTheChart() {
  it.each(Object.entries(CASES))(
    'are taken by the API server, with no unknown field: %s',
    async (_, values) => {
      expect(await refusals(render(values))).toEqual([]);
    },
  );

  it('are taken with names that YAML takes for numbers', async () => {
    const values = { ...EVERYTHING, distributedLock: { name: '12' }, serviceAccount: { name: '34' } };
    const { objects } = renderChart(values, { name: '78', namespace: RELEASE.namespace });
    expect(await refusals(objects)).toEqual([]);
  });

  it('make pods that the strictest standard of Pod Security lets in', async () => {
    expect(await refusals(podsOf(render(EVERYTHING)))).toEqual([]);
    const [pod] = podsOf(render(MINIMAL)) as Any[];
    delete pod.spec.securityContext;
    expect(await refusal(pod)).toEqual([expect.stringContaining('violates PodSecurity "restricted:latest"')]);
  });
}

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/payments/leases/pay-lnmux';
const specOfLease = async (): Promise<Any> => ((await plane.request('GET', LEASE)).body as Any)?.spec;

/** A token of the chart's service account, as a pod has it. */
async function accountToken(): Promise<string> {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await create('/api/v1/namespaces/payments/serviceaccounts/pay-lnmux/token', request);
  return answer.status.token;
}

function start(name: string, token: string): Daemon {
  const folder = join(dir, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'token'), token);
  const devKubeConfig = writeKubeconfig(folder, plane, { user: '      tokenFile: token' });
  const lock = { namespace: RELEASE.namespace, name: 'pay-lnmux', devKubeConfig };
  const more = [`distributedLock: ${JSON.stringify(lock)}`];
  return new Daemon(['-c', writeConfig(folder, { dsn: database.dsn, more }), 'run']);
}

function storeOf(token: string, name = 'pay-lnmux'): LeaseStore {
  const leaseName = { namespace: RELEASE.namespace, name };
  const api = createLeaseApi(plane.client(token), leaseName);
  return new LeaseStore({ api, clock: steadyClock, wallClock: Date.now });
}

function theLease() {
  let token: string;
  beforeAll(async () => {
    const roles = render(MINIMAL).filter(({ kind }) =>
      ['ServiceAccount', 'Role', 'RoleBinding'].includes(String(kind)),
    );
    const account = roles.find(({ kind }) => kind === 'ServiceAccount') as Fields;
    await create(placeOf(account), account);
    token = await accountToken();
    await expect(storeOf(token).acquire('early', 60_000)).rejects.toThrow(/403 Forbidden; its Role needs/);
    for (const object of roles) if (object !== account) await create(placeOf(object), object);
  });

  it('cannot be had without a token that is good, nor another one by the chart’s account', async () => {
    await expect(storeOf('nonsense').acquire('stranger', 60_000)).rejects.toThrow(/401 Unauthorized/);
    await expect(storeOf(token, 'of-others').acquire('us', 60_000)).rejects.toThrow(/403 Forbidden/);
  });

  it('goes from lnmuxd to lnmuxd: taken, renewed, left by a kill, given back', {
    timeout: 180_000,
  }, async () => {
    const first = start('first', token);
    await first.line('Grpc server starting');
    const taken = await specOfLease();
    expect(taken).toMatchObject({ leaseDurationSeconds: 60, leaseTransitions: 0 });
    expect(taken.holderIdentity).toContain(`-${first.pid}-`);
    const second = start('second', token);
    await second.line('New leader elected', ({ leaderId }) => leaderId === taken.holderIdentity);

    // Somebody writes into it between two renewals: the next one meets a newer version, and goes on.
    const { body } = await plane.request('GET', LEASE);
    const labelled = { ...(body as Any), metadata: { ...(body as Any).metadata, labels: { team: 'money' } } };
    expect((await plane.request('PUT', LEASE, labelled)).status).toBe(200);
    await expect
      .poll(async () => (await specOfLease()).renewTime > taken.renewTime, { timeout: 15_000 })
      .toBe(true);
    expect(await specOfLease()).toMatchObject({
      holderIdentity: taken.holderIdentity,
      acquireTime: taken.acquireTime,
    });
    expect(((await plane.request('GET', LEASE)).body as Any).metadata.labels).toEqual({ team: 'money' });

    await first.kill();
    await expect.poll(async () => (await specOfLease()).leaseTransitions, { timeout: 90_000 }).toBe(1);
    await second.line('Grpc server starting');
    expect((await specOfLease()).holderIdentity).toContain(`-${second.pid}-`);

    expect(await second.stop()).toEqual({ code: 0, signal: null });
    expect((await specOfLease()).holderIdentity ?? '').toBe('');
    const third = start('third', token);
    await third.line('Grpc server starting');
    expect(await specOfLease()).toMatchObject({ leaseTransitions: 2 });
    expect(await third.stop()).toEqual({ code: 0, signal: null });
  });
}

function realKubernetes() {
  beforeAll(async () => {
    [plane, database] = await Promise.all([ControlPlane.start(), createTestDatabase()]);
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const metadata = { name: RELEASE.namespace, labels };
    await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await create(placeOf(account), account);
    const priority = {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'important' },
    };
    await create('/apis/scheduling.k8s.io/v1/priorityclasses', { ...priority, value: 1 });
  });
  afterAll(async () => {
    killDaemons();
    await Promise.all([plane?.close(), database?.drop()]);
  });
  describe('the objects of the chart', objectsOfTheChart);
  describe('the Lease', theLease);
}

afterAll(() => rmSync(dir, { recursive: true, force: true }));

// Where etcd and kube-apiserver are installed, they have the last word about the chart and the Lease.
if (hasControlPlane) describe('Kubernetes itself', realKubernetes);
