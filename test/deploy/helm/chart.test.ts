import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { decodeConfig } from '../../../src/daemon/config/load.ts';
import { CASES, EVERYTHING, LITTLE, MINIMAL } from './cases.ts';
import { CHART, type Fields, renderChart, valuesWith } from './chart.ts';
import { typeFaults } from './typeCheck.ts';

const RELEASE = { name: 'pay', namespace: 'payments' };
const render = (values: Fields) => renderChart(values, RELEASE).objects;

/** Any part of an object, for tests. */
// biome-ignore lint/suspicious/noExplicitAny: a tree of any shape, looked into by tests only
type Any = any;

const named = (objects: readonly Fields[], kind: string, suffix = ''): Any =>
  objects.find((each: Any) => each.kind === kind && each.metadata.name.endsWith(suffix));
const kinds = (objects: readonly Fields[]) => objects.map(({ kind }) => kind).sort();

const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Fields;
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

describe('the values of the chart', () => {
  it.each(Object.entries(CASES))('%s are taken', (_, values) => {
    validate(valuesWith(values));
    expect(validate.errors ?? []).toEqual([]);
  });

  const REFUSED: [string, Fields, string][] = [
    ['no node', { nodes: [] }, '/nodes'],
    ['a misspelled key', { api: { prot: 1 } }, '/api'],
    ['an unknown network', { network: 'mainet' }, '/network'],
    [
      'a public key that is none',
      { nodes: [{ ...(MINIMAL.nodes as Fields[])[0], pubKey: '02' }] },
      '/nodes/0/pubKey',
    ],
    [
      'a name that no volume can have',
      { nodes: [{ ...(MINIMAL.nodes as Fields[])[0], name: 'A b' }] },
      '/nodes/0/name',
    ],
    ['a key of lnmux.yml that the chart writes', { config: { listenAddress: ':1' } }, '/config'],
    ['an end that is too short', { terminationGracePeriodSeconds: 5 }, '/terminationGracePeriodSeconds'],
  ];
  it.each(REFUSED)('with %s are refused', (_, values, place) => {
    expect(validate(valuesWith({ ...MINIMAL, ...values }))).toBe(false);
    expect(validate.errors?.map(({ instancePath }) => instancePath)).toContain(place);
  });

  it('of the walkthrough are taken', () => {
    const page = readFileSync(join(CHART, '../../../docs/deploy.md'), 'utf8');
    const text = /```yaml\n([\s\S]*?image:[\s\S]*?)```/.exec(page)![1]!;
    const values = parse(text.replaceAll('…', 'ab'.repeat(32))) as Fields;
    validate(valuesWith(values));
    expect(validate.errors ?? []).toEqual([]);
    expect(render(values).length).toBeGreaterThan(5);
  });

  it('all have a rule, and every rule is for a value', () => {
    const properties = Object.keys(schema.properties as Fields).filter((name) => name !== 'global');
    expect(properties.sort()).toEqual(Object.keys(valuesWith({})).sort());
  });
});

/** What lnmuxd has against the lnmux.yml of these objects. */
function configProblems(objects: readonly Fields[]) {
  const env = {
    LNMUX_IDENTITY_KEY: '81b637d8fcd2c6da6859e6963113a1170de793e4b725b84d1e0b4cf99ec58ce9',
    LNMUX_PERSISTENCE_POSTGRES_DSN: 'postgres://lnmux@postgres:5432/lnmux?sslmode=disable',
  };
  return objects.flatMap(({ kind, data }) => {
    if (kind !== 'ConfigMap') return [];
    const text = (data as Fields)['lnmux.yml'] as string;
    const result = decodeConfig(text, { path: 'lnmux.yml', strict: true, env });
    return result.ok ? [] : result.problems;
  });
}

describe('the objects of the chart', () => {
  it('are what Kubernetes takes, key by key', { timeout: 60_000 }, async () => {
    const groups = Object.fromEntries(Object.entries(CASES).map(([name, values]) => [name, render(values)]));
    expect(await typeFaults(groups)).toBe('');
  });

  it('are checked by something that finds faults', { timeout: 60_000 }, async () => {
    const broken = (change: (container: Any) => void) => {
      const deployment = named(render(MINIMAL), 'Deployment');
      change(deployment.spec.template.spec.containers[0]);
      return [deployment];
    };
    const faults = await typeFaults({
      unknown: broken((container) => {
        container.readinesProbe = {};
      }),
      another: broken((container) => {
        container.ports[0].containerPort = '19090';
      }),
      missing: broken((container) => {
        delete container.name;
      }),
    });
    expect(faults).toMatch(/unknown\.ts.*readinesProbe/);
    expect(faults).toMatch(/another\.ts.*'string' is not assignable to type 'number'/);
    expect(faults).toMatch(/missing\.ts.*'name' is missing/);
  });

  it('are complete', () => {
    expect(kinds(render(MINIMAL))).toEqual(
      [
        ...['ConfigMap', 'ConfigMap', 'Deployment', 'Job', 'PodDisruptionBudget'],
        ...['Role', 'RoleBinding', 'Service', 'Service', 'ServiceAccount'],
      ].sort(),
    );
    expect(kinds(render(EVERYTHING))).toEqual(expect.arrayContaining(['NetworkPolicy', 'ServiceMonitor']));
    expect(kinds(render(LITTLE))).toEqual(['ConfigMap', 'Deployment', 'NetworkPolicy', 'Service', 'Service']);
  });

  it.each(Object.entries(CASES))('carry an lnmux.yml that lnmuxd takes: %s', (_, values) => {
    expect(configProblems(render(values))).toEqual([]);
  });

  it('are as good with names that YAML takes for numbers', { timeout: 60_000 }, async () => {
    const values = {
      ...EVERYTHING,
      distributedLock: { name: '12' },
      serviceAccount: { name: '34' },
      priorityClassName: '56',
    };
    const { objects } = renderChart(values, { name: '78', namespace: '1e3' });
    expect(await typeFaults({ digits: objects })).toBe('');
    expect(configProblems(objects)).toEqual([]);
  });

  it('mount what lnmux.yml names', () => {
    const objects = render(EVERYTHING);
    const text = named(objects, 'ConfigMap').data['lnmux.yml'] as string;
    const paths = [...text.matchAll(/Path: (\S+)/g)].map(([, path]) => path!);
    expect(paths).toHaveLength(8);
    const pod = named(objects, 'Deployment').spec.template.spec;
    const mounts = pod.containers[0].volumeMounts as { name: string; mountPath: string }[];
    for (const path of paths)
      expect(mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))).toBe(true);
    expect(mounts.map(({ name }) => name).sort()).toEqual(pod.volumes.map(({ name }: Any) => name).sort());
    const secrets = pod.volumes.flatMap(({ secret }: Any) => (secret ? [secret.secretName] : []));
    expect(secrets).toEqual(['lnd-a', 'lnd-b', 'api', 'clients', 'access', 'webhooks']);
    // Whatever reads lnmux.yml reads these keys.
    const job = named(objects, 'Job').spec.template.spec;
    expect(job.containers[0].volumeMounts.map(({ mountPath }: Any) => mountPath)).toContain(
      '/etc/lnmux/webhooks',
    );
    expect(job.volumes.map(({ name }: Any) => name)).toContain('webhooks');
  });

  it('hand out the identity key and the DSN as files, to the daemon and the migration alike', () => {
    const values = {
      identityKey: { existingSecret: 'id', key: 'k' },
      database: { existingSecret: 'db', key: 'd' },
    };
    const objects = render({ ...MINIMAL, ...values });
    for (const kind of ['Deployment', 'Job']) {
      const pod = named(objects, kind).spec.template.spec;
      const [container] = pod.containers;
      const mount = container.volumeMounts.find(({ name }: Any) => name === 'keys').mountPath;
      const { projected } = pod.volumes.find(({ name }: Any) => name === 'keys');
      const files = projected.sources.map(({ secret }: Any) => [secret.name, secret.items]);
      expect(files).toEqual([
        ['id', [{ key: 'k', path: 'identity-key' }]],
        ['db', [{ key: 'd', path: 'dsn' }]],
      ]);
      // Nobody but the daemon's group: lnmuxd refuses a key that everybody can read. Octal, as Kubernetes reads it.
      expect(projected.defaultMode).toBe(440);
      expect(container.env).toEqual([
        { name: 'LNMUX_IDENTITY_KEY_FILE', value: `${mount}/identity-key` },
        { name: 'LNMUX_PERSISTENCE_POSTGRES_DSN_FILE', value: `${mount}/dsn` },
      ]);
    }
  });

  it('let nothing run as root, or with more rights than it needs', () => {
    for (const kind of ['Deployment', 'Job']) {
      const pod = named(render(MINIMAL), kind).spec.template.spec;
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
    expect(named(render(MINIMAL), 'Role').rules).toEqual([
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: ['pay-lnmux'],
        verbs: ['get', 'update'],
      },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    ]);
  });

  it('belong together: labels, names, ports, the Lease and who may have it', () => {
    const objects = render(EVERYTHING);
    const deployment = named(objects, 'Deployment');
    const { labels } = deployment.spec.template.metadata;
    for (const kind of ['Service', 'PodDisruptionBudget', 'NetworkPolicy', 'Deployment']) {
      const { spec } = named(objects, kind);
      const selector = spec.podSelector?.matchLabels ?? spec.selector.matchLabels ?? spec.selector;
      expect(labels).toMatchObject(selector);
    }
    expect(named(objects, 'Job').spec.template.metadata.labels).not.toMatchObject(
      deployment.spec.selector.matchLabels,
    );
    const account = named(objects, 'ServiceAccount').metadata.name;
    expect(deployment.spec.template.spec.serviceAccountName).toBe(account);
    expect(named(objects, 'RoleBinding').subjects[0].name).toBe(account);
    expect(named(objects, 'Role').rules[0].resourceNames).toEqual(['who-works']);
    expect(named(objects, 'ConfigMap').data['lnmux.yml']).toMatch(/name: "who-works"/);
    const monitored = named(objects, 'ServiceMonitor').spec.selector.matchLabels;
    const services = objects.filter(({ kind }) => kind === 'Service') as Any[];
    expect(services.filter((each) => isWithin(monitored, each.metadata.labels))).toHaveLength(1);
    const pod = deployment.spec.template.spec;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      Number(pod.containers[0].lifecycle.preStop.exec.command[1]) + 20,
    );
  });

  it('begin anew when the configuration changes', () => {
    const checksum = (values: Fields) =>
      named(render(values), 'Deployment').spec.template.metadata.annotations['checksum/config'];
    expect(checksum(MINIMAL)).not.toBe(checksum({ ...MINIMAL, config: { autoSettle: true } }));
  });

  it('come with notes that name the Lease and the API', () => {
    const { notes } = renderChart(MINIMAL, RELEASE);
    expect(notes).toContain('kubectl -n payments get lease pay-lnmux');
    expect(notes).toContain('pay-lnmux.payments.svc:19090');
    const { notes: alone } = renderChart(LITTLE, RELEASE);
    expect(alone).not.toContain('lease');
    expect(alone).toContain('kubectl -n payments get pods -l app.kubernetes.io/instance=pay');
  });
});

const isWithin = (part: Fields, whole: Fields) =>
  Object.entries(part).every(([key, value]) => whole[key] === value);

// Where helm is installed, it has the last word about our renderer.
const helm = async (...args: string[]) => (await promisify(execFile)('helm', args)).stdout;
const hasHelm = await helm('version').then(
  () => true,
  () => false,
);

function helmItself() {
  it.each(Object.entries(CASES))('renders the same objects: %s', async (_, values) => {
    const folder = mkdtempSync(join(tmpdir(), 'lnmux-helm-'));
    try {
      const file = join(folder, 'values.json');
      writeFileSync(file, JSON.stringify(values));
      const { name, namespace } = RELEASE;
      const text = await helm(
        'template',
        name,
        CHART,
        '-n',
        namespace,
        '-f',
        file,
        '--kube-version',
        '1.31.0',
      );
      const theirs = parseAllDocuments(text).map((document) => document.toJS() as Fields);
      const order = (objects: readonly Fields[]) =>
        objects
          .map((object: Any) => [`${object.kind} ${object.metadata.name}`, object] as const)
          .sort(([a], [b]) => a.localeCompare(b));
      expect(order(theirs)).toEqual(order(render(values)));
      await helm('lint', CHART, '-f', file, '--kube-version', '1.31.0', '--strict');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

if (hasHelm) describe('helm itself', helmItself);
