import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiAnswer, type ApiClient, createApiClient } from '../../src/adapters/kubernetes/apiClient.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { selfSignedCertificate } from '../../src/simulator/server/certificate.ts';

const PROGRAMS = ['etcd', 'kube-apiserver'] as const;
const ADMIN_TOKEN = 'administrator';

/** Whether both programs of a control plane are on the PATH. */
export const hasControlPlane = PROGRAMS.every((name) => spawnSync(name, ['--version']).status === 0);

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  return Promise.all(
    servers.map(async (server) => {
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      await new Promise((resolve) => server.close(resolve));
      return port;
    }),
  );
}

/** A real Kubernetes, as far as it does without machines: etcd and kube-apiserver, with RBAC and admission. */
export class ControlPlane {
  readonly folder = mkdtempSync(join(tmpdir(), 'lnmux-control-plane-'));
  readonly certificate = selfSignedCertificate('kubernetes.default.svc');
  port = 0;
  readonly #children: ChildProcess[] = [];
  #admin: ApiClient | undefined;
  #log = '';

  static async start(): Promise<ControlPlane> {
    const plane = new ControlPlane();
    try {
      await plane.#start();
      return plane;
    } catch (error) {
      await plane.close();
      throw error;
    }
  }

  /** A request of somebody who may do everything, or of the bearer of a token. */
  async request(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<ApiAnswer> {
    return this.#admin!.send({ method, path, body, timeoutMs: 20_000 });
  }

  /** A client for the bearer of a token. */
  client(token: string): ApiClient {
    return createApiClient(
      {
        host: '127.0.0.1',
        port: this.port,
        basePath: '',
        serverName: undefined,
        credentials: async () => ({
          ca: this.certificate.cert,
          token,
          clientCert: undefined,
          clientKey: undefined,
        }),
      },
      systemClock,
    );
  }

  async close(): Promise<void> {
    this.#admin?.close();
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const [client, peer, port] = (await freePorts(3)) as [number, number, number];
    this.port = port;
    const etcd = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    this.#spawn('etcd', {
      'data-dir': join(this.folder, 'etcd'),
      'listen-client-urls': etcd,
      'advertise-client-urls': etcd,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': `default=${peers}`,
      'unsafe-no-fsync': 'true',
    });
    const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const account = this.#write('account.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    this.#spawn('kube-apiserver', {
      'etcd-servers': etcd,
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1',
      'secure-port': String(port),
      'cert-dir': join(this.folder, 'certificates'),
      'tls-cert-file': this.#write('server.crt', this.certificate.cert),
      'tls-private-key-file': this.#write('server.key', this.certificate.key),
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': account,
      'service-account-signing-key-file': account,
      'service-cluster-ip-range': '10.96.0.0/16',
      'token-auth-file': this.#write('tokens.csv', `${ADMIN_TOKEN},admin,1,system:masters\n`),
      'authorization-mode': 'RBAC',
    });
    this.#admin = this.client(ADMIN_TOKEN);
    const deadline = Date.now() + 90_000;
    while (!(await this.#isReady())) {
      if (Date.now() > deadline || this.#children.some(({ exitCode }) => exitCode !== null)) {
        throw new Error(`the control plane did not start:\n${this.#log.slice(-4_000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  async #isReady(): Promise<boolean> {
    const ready = await this.request('GET', '/readyz').catch(() => undefined);
    return ready?.status === 200;
  }

  #write(name: string, content: string | Buffer): string {
    const path = join(this.folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  #spawn(program: string, flags: Readonly<Record<string, string>>): void {
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
      });
    }
    this.#children.push(child);
  }
}
