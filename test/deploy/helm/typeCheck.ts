import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Fields } from './chart.ts';

const MODULES = join(import.meta.dirname, '../../../node_modules');

/** Where kubernetes-types keeps each kind that the chart may make. */
const KINDS: Readonly<Record<string, string>> = {
  'v1/ConfigMap': 'core/v1',
  'v1/Service': 'core/v1',
  'v1/ServiceAccount': 'core/v1',
  'apps/v1/Deployment': 'apps/v1',
  'batch/v1/Job': 'batch/v1',
  'policy/v1/PodDisruptionBudget': 'policy/v1',
  'networking.k8s.io/v1/NetworkPolicy': 'networking/v1',
  'rbac.authorization.k8s.io/v1/Role': 'rbac/v1',
  'rbac.authorization.k8s.io/v1/RoleBinding': 'rbac/v1',
};

/** That of the Prometheus operator, as far as the chart uses it. */
const SERVICE_MONITOR = `interface ServiceMonitor {
  apiVersion: 'monitoring.coreos.com/v1';
  kind: 'ServiceMonitor';
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string; path: string; interval: string }[];
  };
}`;

function sourceOf(objects: readonly Fields[]): string {
  const lines = objects.map((object, index) => {
    const name = `${object.apiVersion}/${object.kind}`;
    const folder = KINDS[name];
    const own = name === 'monitoring.coreos.com/v1/ServiceMonitor' ? 'ServiceMonitor' : undefined;
    const type = folder === undefined ? own : `import('kubernetes-types/${folder}').${object.kind}`;
    if (type === undefined) throw new Error(`no type for ${name}`);
    return `export const object${index}: ${type} = ${JSON.stringify(object, null, 1)};`;
  });
  return [SERVICE_MONITOR, ...lines].join('\n');
}

const sources = (names: readonly string[]) => names.map((name) => `${name}.ts`);

/**
 * Checks objects against the types that are made from Kubernetes' OpenAPI: a key that does not exist, one that is
 * missing, and a value of another type are faults. Gives the compiler's words for them.
 */
export async function typeFaults(groups: Readonly<Record<string, readonly Fields[]>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lnmux-chart-'));
  try {
    for (const [name, objects] of Object.entries(groups)) {
      writeFileSync(join(folder, `${name}.ts`), sourceOf(objects));
    }
    const config = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: 'ESNext',
        moduleResolution: 'bundler',
        types: [],
        skipLibCheck: true,
        paths: { 'kubernetes-types/*': [join(MODULES, 'kubernetes-types/*.d.ts')] },
      },
      files: sources(Object.keys(groups)),
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await promisify(execFile)(join(MODULES, '.bin/tsc'), ['-p', folder, '--pretty', 'false']);
    return '';
  } catch (error) {
    return String((error as { stdout?: string }).stdout || error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
