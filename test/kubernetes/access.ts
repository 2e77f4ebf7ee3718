import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ApiServer } from './apiServer.ts';

/** What is needed of a server to write files with its address. */
type Reachable = Pick<ApiServer, 'port' | 'certificate'>;

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lnmux-kubernetes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

export interface KubeconfigChoices {
  readonly user?: string;
  readonly cluster?: string;
  readonly context?: string;
}

/** Writes a kubeconfig for the server and gives its path. */
export function writeKubeconfig(folder: string, server: Reachable, choices: KubeconfigChoices = {}): string {
  const path = join(folder, 'kubeconfig');
  writeFileSync(
    path,
    `apiVersion: v1
kind: Config
current-context: ${choices.context ?? 'here'}
contexts:
  - name: elsewhere
    context: { cluster: gone, user: gone }
  - name: here
    context: { cluster: local, user: us }
clusters:
  - name: local
    cluster:
      server: https://127.0.0.1:${server.port}
${choices.cluster ?? `      certificate-authority-data: ${base64(server.certificate.cert)}`}
users:
  - name: us
    user:
${choices.user ?? '      token: secret-token'}
`,
  );
  return path;
}

/** The folder of a pod's service account. */
export function writeServiceAccount(folder: string, server: Reachable, token = 'secret-token'): void {
  writeFileSync(join(folder, 'token'), token);
  writeFileSync(join(folder, 'ca.crt'), server.certificate.cert);
}

export const podEnv = (server: ApiServer): NodeJS.ProcessEnv => ({
  KUBERNETES_SERVICE_HOST: '127.0.0.1',
  KUBERNETES_SERVICE_PORT: String(server.port),
});
