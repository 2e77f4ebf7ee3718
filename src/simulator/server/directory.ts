import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isValidPrivateKey } from '../../lightning/crypto.ts';
import { selfSignedCertificate } from './certificate.ts';

/** Where a node keeps what makes it the same node after a restart. */
export interface NodeDirectory {
  readonly tlsCertPath: string;
  readonly macaroonPath: string;
  readonly journalPath: string;
  readonly privateKey: Uint8Array;
  readonly tls: { readonly cert: string; readonly key: string };
  /** Hex, as clients send it. */
  readonly macaroon: string;
  readonly ports: Ports;
  savePorts(ports: Ports): void;
}

/** 0: any. */
export interface Ports {
  readonly lnd: number;
  readonly control: number;
}

/** Opens a node's directory and makes what is missing. A private key given is used the first time only. */
export function openDirectory(dir: string, name: string, privateKeyHex?: string): NodeDirectory {
  mkdirSync(dir, { recursive: true });
  const file = (fileName: string) => join(dir, fileName);
  const keyHex = kept(file('identity.key'), () => privateKeyHex ?? newPrivateKey());
  if (!existsSync(file('tls.cert'))) {
    const { cert, key } = selfSignedCertificate(name);
    write(file('tls.key'), key);
    write(file('tls.cert'), cert);
  }
  if (!existsSync(file('lnd.macaroon'))) write(file('lnd.macaroon'), randomBytes(64));
  const portsPath = file('ports.json');
  return {
    tlsCertPath: file('tls.cert'),
    macaroonPath: file('lnd.macaroon'),
    journalPath: file('journal.jsonl'),
    privateKey: new Uint8Array(Buffer.from(keyHex, 'hex')),
    tls: { cert: readFileSync(file('tls.cert'), 'utf8'), key: readFileSync(file('tls.key'), 'utf8') },
    macaroon: readFileSync(file('lnd.macaroon'), 'hex'),
    ports: existsSync(portsPath)
      ? (JSON.parse(readFileSync(portsPath, 'utf8')) as Ports)
      : { lnd: 0, control: 0 },
    savePorts: (ports) => write(portsPath, JSON.stringify(ports)),
  };
}

function newPrivateKey(): string {
  for (;;) {
    const bytes = randomBytes(32);
    if (isValidPrivateKey(bytes)) return bytes.toString('hex');
  }
}

function kept(path: string, make: () => string): string {
  if (!existsSync(path)) write(path, make());
  return readFileSync(path, 'utf8').trim();
}

function write(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content, { mode: 0o600 });
}
