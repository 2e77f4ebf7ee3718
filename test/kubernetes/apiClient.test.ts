import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterAccess } from '../../src/adapters/kubernetes/access.ts';
import { createApiClient } from '../../src/adapters/kubernetes/apiClient.ts';
import { inClusterAccess } from '../../src/adapters/kubernetes/inCluster.ts';
import { kubeconfigAccess } from '../../src/adapters/kubernetes/kubeconfig.ts';
import type { Lease } from '../../src/adapters/kubernetes/lease.ts';
import { createLeaseApi } from '../../src/adapters/kubernetes/leaseApi.ts';
import { selfSignedCertificate } from '../../src/simulator/server/certificate.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';
import { podEnv, temporaryFolder, writeKubeconfig, writeServiceAccount } from './access.ts';
import { ApiServer, NAMESPACE, type RequestFate } from './apiServer.ts';

const LIMIT = 5_000;
let server: ApiServer;
const clock = new SimulatedClock();

beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(() => server.close());

function apiBy(access: ClusterAccess, leaseName = { namespace: NAMESPACE, name: 'lnmux' }) {
  return createLeaseApi(createApiClient(access, clock), leaseName);
}

function inPod() {
  const folder = temporaryFolder();
  writeServiceAccount(folder, server);
  return { folder, access: inClusterAccess(podEnv(server), folder) };
}

const FREE: Lease = {
  resourceVersion: undefined,
  holder: 'a',
  durationSeconds: 60,
  acquireTime: '2026-01-01T00:00:00.000000Z',
  renewTime: '2026-01-01T00:00:00.000000Z',
  transitions: 0,
  rest: {},
};

describe('a Lease over HTTP', () => {
  it('is created once, read, and updated only from its latest version', async () => {
    const api = apiBy(inPod().access);
    expect(await api.get(LIMIT)).toBeUndefined();
    const first = (await api.create(FREE, LIMIT)) as Lease;
    expect(await api.create(FREE, LIMIT)).toBe('conflict');
    expect(await api.get(LIMIT)).toEqual(first);
    const second = (await api.update({ ...first, holder: 'b', transitions: 1 }, LIMIT)) as Lease;
    expect(second).toMatchObject({ holder: 'b', transitions: 1 });
    expect(await api.update({ ...first, holder: 'c' }, LIMIT)).toBe('conflict');
    expect(server.book.holder('lnmux')).toBe('b');
    server.book.delete('lnmux');
    expect(await api.update(second, LIMIT)).toBe('conflict');
  });

  it('keeps what others wrote into it', async () => {
    const api = apiBy(inPod().access);
    await api.create(FREE, LIMIT);
    server.book.label('lnmux', 'team', 'payments');
    const lease = (await api.get(LIMIT))!;
    await api.update({ ...lease, holder: '' }, LIMIT);
    expect(server.book.labels('lnmux')).toEqual({ team: 'payments' });
    expect(server.book.holder('lnmux')).toBe('');
  });

  it('without a spec is free', async () => {
    server.book.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'lnmux' },
    });
    expect(await apiBy(inPod().access).get(LIMIT)).toMatchObject({ holder: '', transitions: 0 });
  });

  const FAULTS: [RequestFate, RegExp][] = [
    ['cut', /GET 127\.0\.0\.1:\d+: /],
    ['cutInTheMiddle', /GET 127\.0\.0\.1:\d+: (aborted|the connection ended)/],
    ['internalError', /Lease pay\/lnmux: GET was answered with 500 InternalError/],
    ['garbage', /answered with 200/],
  ];
  it.each(FAULTS)(
    'that meets a server in trouble (%s) is a failure, and the next try works',
    async (fate, says) => {
      const api = apiBy(inPod().access);
      server.fate = () => fate;
      await expect(api.get(LIMIT)).rejects.toThrow(says);
      server.fate = () => 'answered';
      expect(await api.get(LIMIT)).toBeUndefined();
    },
  );

  it.each(['hangs', 'hangsAfterwards'] as const)('is given up when the server %s', async (fate) => {
    const api = apiBy(inPod().access);
    server.fate = () => fate;
    // As what is left of a time limit often is.
    const pending = api.get(LIMIT - 0.001).catch((error: Error) => error.message);
    while (server.hanging === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(LIMIT);
    expect(await pending).toMatch(/no answer within 5000 ms/);
    server.fate = () => 'answered';
    expect(await api.get(LIMIT)).toBeUndefined();
  });

  it('with an answer without end is a failure', async () => {
    server.book.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'lnmux', annotations: { long: 'x'.repeat(1_100_000) } },
    });
    await expect(apiBy(inPod().access).get(LIMIT)).rejects.toThrow(/too long|aborted|ended/);
  });
});

describe('the API server refuses', () => {
  it('a token it does not know, until the file has another', async () => {
    const { folder, access } = inPod();
    const api = apiBy(access);
    server.tokens.clear();
    server.tokens.add('rotated');
    await expect(api.get(LIMIT)).rejects.toThrow(/401 Unauthorized; the token/);
    writeFileSync(join(folder, 'token'), 'rotated\n');
    expect(await api.get(LIMIT)).toBeUndefined();
  });

  it('what the Role does not allow', async () => {
    const api = apiBy(inPod().access);
    server.allowed.delete('POST');
    await expect(api.create(FREE, LIMIT)).rejects.toThrow(
      /403 Forbidden; its Role needs get, create and update/,
    );
  });

  it('a namespace that is not there', async () => {
    const api = apiBy(inPod().access, { namespace: 'nowhere', name: 'lnmux' });
    await expect(api.create(FREE, LIMIT)).rejects.toThrow(/404 NotFound; is the namespace there/);
  });
});

describe('credentials of a pod', () => {
  it('are those of its service account, with the authority in it', async () => {
    const { folder, access } = inPod();
    writeFileSync(join(folder, 'ca.crt'), selfSignedCertificate('someone else').cert);
    await expect(apiBy(access).get(LIMIT)).rejects.toThrow(/certificate/);
  });

  it('that are missing are named, with what to do', async () => {
    const access = inClusterAccess(podEnv(server), '/nonexistent');
    await expect(apiBy(access).get(LIMIT)).rejects.toThrow(/token \(ENOENT\).*automountServiceAccountToken/);
  });

  it('are not looked for outside of a cluster', () => {
    expect(() => inClusterAccess({})).toThrow(/not a pod.*devKubeConfig/);
  });
});

describe('a kubeconfig', () => {
  const tokenFile = '      tokenFile: token-file';
  const clientFiles = '      client-certificate: client.crt\n      client-key: client.key';

  it.each([
    ['a token', undefined],
    ['a token in a file', tokenFile],
    ['a client certificate', clientFiles],
  ])('gives access with %s', async (_, user) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'token-file'), 'secret-token\n');
    writeFileSync(join(folder, 'client.crt'), server.client.cert);
    writeFileSync(join(folder, 'client.key'), server.client.key);
    const path = writeKubeconfig(folder, server, user === undefined ? {} : { user });
    expect(await apiBy(kubeconfigAccess(path)).get(LIMIT)).toBeUndefined();
  });

  it('may name another host for the certificate, and its authority as a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'ca.pem'), server.certificate.cert);
    const authority = '      certificate-authority: ca.pem\n      tls-server-name: ';
    const right = writeKubeconfig(folder, server, { cluster: `${authority}kubernetes.default.svc` });
    expect(await apiBy(kubeconfigAccess(right)).get(LIMIT)).toBeUndefined();
    const wrong = writeKubeconfig(folder, server, { cluster: `${authority}example.org` });
    await expect(apiBy(kubeconfigAccess(wrong)).get(LIMIT)).rejects.toThrow(/example\.org/);
  });

  const REFUSED: [string, Parameters<typeof writeKubeconfig>[2], RegExp][] = [
    ['another context than there is', { context: 'absent' }, /current-context names absent/],
    ['a context without a cluster', { context: 'elsewhere' }, /context\.cluster names gone/],
    ['a user without credentials', { user: '      {}' }, /neither a token nor a client certificate/],
    ['a program to run', { user: '      exec: {command: aws}' }, /user\.exec is not supported/],
    ['no check of the server', { cluster: '      insecure-skip-tls-verify: true' }, /refused/],
  ];
  it.each(REFUSED)('with %s is refused in words', (_, choices, says) => {
    const path = writeKubeconfig(temporaryFolder(), server, choices);
    expect(() => kubeconfigAccess(path)).toThrow(says);
  });

  it('that is none is refused in words', () => {
    const path = join(temporaryFolder(), 'kubeconfig');
    expect(() => kubeconfigAccess(path)).toThrow(/cannot be read \(ENOENT\)/);
    writeFileSync(path, '- a list');
    expect(() => kubeconfigAccess(path)).toThrow(/not a kubeconfig/);
    writeFileSync(path, '{');
    expect(() => kubeconfigAccess(path)).toThrow(/not YAML/);
  });
});
