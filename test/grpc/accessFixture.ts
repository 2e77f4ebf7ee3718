import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { formatAccessEntry } from '../../src/adapters/grpc/access/accessFile.ts';
import { parseRoles } from '../../src/adapters/grpc/access/roles.ts';
import { createToken, tokenDigest } from '../../src/adapters/grpc/access/tokens.ts';
import type { AccessPaths } from '../../src/adapters/grpc/server.ts';
import { ServiceClient } from '../../src/generated/lnmux.ts';
import { type KeyedCertificate, makeCertificate, type Subject } from '../../src/x509/certificate.ts';
import { closeAfterTest, type Running, running } from './harness.ts';

const DAY_MS = 86_400_000;

export function authority(name: string): KeyedCertificate {
  return certificate('authority', { commonName: name });
}

export function certificate(
  use: 'authority' | 'server' | 'client',
  subject: Subject,
  issuer?: KeyedCertificate,
  days: readonly [number, number] = [-1, 1],
): KeyedCertificate {
  return makeCertificate({
    subject,
    use,
    hosts: use === 'server' ? ['localhost', '127.0.0.1'] : [],
    validFrom: new Date(Date.now() + days[0] * DAY_MS),
    validTo: new Date(Date.now() + days[1] * DAY_MS),
    ...(issuer === undefined ? {} : { issuer }),
  });
}

/** The files of a lnmuxd whose API asks who calls, and a way to make callers. */
export class AccessFixture {
  readonly ca = authority('test authority');
  readonly dir = mkdtempSync(join(tmpdir(), 'lnmux-access-'));
  readonly paths: AccessPaths = {
    tlsCertPath: join(this.dir, 'server.crt'),
    tlsKeyPath: join(this.dir, 'server.key'),
    clientCaPath: join(this.dir, 'ca.crt'),
    accessPath: join(this.dir, 'access'),
  };
  readonly #lines = new Map<string, string>();

  constructor() {
    closeAfterTest(() => rmSync(this.dir, { recursive: true, force: true }));
    this.setServer(certificate('server', { commonName: 'server' }, this.ca));
    this.write('ca.crt', this.ca.cert);
    this.#save();
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text, { mode: 0o600 });
  }

  setServer({ cert, key }: KeyedCertificate): void {
    this.write('server.crt', cert);
    this.write('server.key', key);
  }

  /** A new token that is in the access file. */
  token(roles: string, name = 'somebody'): string {
    const token = createToken();
    this.entry(token, name, roles, 'token', tokenDigest(token));
    return token;
  }

  entry(id: string, name: string, roles: string, kind: 'token' | 'cert', digest: Buffer): void {
    const set = roles === 'revoked' ? new Set<never>() : parseRoles(roles)!;
    this.#lines.set(id, formatAccessEntry({ name, roles: set, kind, digest }));
    this.#save();
  }

  remove(id: string): void {
    this.#lines.delete(id);
    this.#save();
  }

  lines(): Iterable<string> {
    return this.#lines.values();
  }

  #save(): void {
    this.write('access', [...this.#lines.values()].join(''));
  }

  client(roles: readonly string[], issuer = this.ca, days?: readonly [number, number]): KeyedCertificate {
    const units = roles.map((role) => `lnmux:${role}`);
    return certificate('client', { commonName: 'client', units }, issuer, days);
  }

  /** A server with these files, looking for changes all the time. */
  async serve(
    paths: Partial<AccessPaths> = {},
    options: Parameters<typeof running>[0] = {},
  ): Promise<Running> {
    return running({ access: { ...this.paths, ...paths }, accessCheckMs: 10, ...options });
  }

  /** A client that trusts our authority, with a certificate of its own if one is given. */
  connect({ server }: Running, own?: KeyedCertificate, trusted = this.ca.cert): ServiceClient {
    const key = own === undefined ? null : Buffer.from(own.key);
    const chain = own === undefined ? null : Buffer.from(own.cert);
    const client = new ServiceClient(server.address, credentials.createSsl(Buffer.from(trusted), key, chain));
    closeAfterTest(() => client.close());
    return client;
  }
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

const raw = (bytes: Buffer) => bytes;

/**
 * Calls any method by its path with an empty request, whatever its type. Gives the code and text of its end; 0 for a
 * stream that sends something.
 */
export function attempt(
  client: Client,
  { path, responseStream }: { readonly path: string; readonly responseStream: boolean },
  metadata = new Metadata(),
): Promise<{ code: number; details: string }> {
  const nothing = Buffer.alloc(0);
  const options = { deadline: Date.now() + 20_000 };
  return new Promise((resolve) => {
    const ended = (error: ServiceError | null) =>
      resolve({ code: error?.code ?? 0, details: error?.details ?? '' });
    if (!responseStream) {
      client.makeUnaryRequest(path, raw, raw, nothing, metadata, options, ended);
      return;
    }
    const stream = client.makeServerStreamRequest(path, raw, raw, nothing, metadata, options);
    stream.on('data', () => {
      ended(null);
      stream.cancel();
    });
    stream.on('error', ended);
    stream.on('end', () => ended(null));
  });
}
