import { dirname, resolve } from 'node:path';
import { isLoopback, parseHostPort } from '../../adapters/net/address.ts';
import type { Section } from './section.ts';
import type { ApiConfig } from './types.ts';

const MAKE = '`lnmuxd auth` makes it, docs/secure.md tells how';

function checkTls(section: Section, { tlsCertPath, tlsKeyPath, clientCaPath, accessPath }: ApiConfig): void {
  if (tlsCertPath !== undefined && tlsKeyPath === undefined) {
    section.problem('tlsCertPath', 'has no key; write api.tlsKeyPath too');
  }
  if (tlsKeyPath !== undefined && tlsCertPath === undefined) {
    section.problem('tlsKeyPath', 'has no certificate; write api.tlsCertPath too');
  }
  if (clientCaPath !== undefined && tlsCertPath === undefined) {
    section.problem(
      'clientCaPath',
      `client certificates need TLS; write api.tlsCertPath and api.tlsKeyPath (${MAKE})`,
    );
  }
  if (tlsCertPath !== undefined && clientCaPath === undefined && accessPath === undefined) {
    const what =
      'TLS alone asks nobody who they are: whoever reaches the port could settle and read preimages';
    section.problem(
      'tlsCertPath',
      `${what}; write api.accessPath (tokens) or api.clientCaPath too (${MAKE})`,
    );
  }
}

/** The Go program listened in plaintext wherever it was told to, so the message says both ways to go on. */
function checkPlaintext(section: Section, root: Section, listenAddress: string, config: ApiConfig): void {
  const host = parseHostPort(listenAddress)?.host;
  const isLocal = host !== undefined && isLoopback(host);
  if (config.tlsCertPath !== undefined || isLocal) {
    if (config.allowPlaintext) section.warning('allowPlaintext', 'not needed here; remove it');
    return;
  }
  if (config.allowPlaintext) return;
  // Not the value: somebody may have put into this place what belongs into another.
  const what = `this address can be reached from other machines, in plaintext: whoever gets there can settle, cancel and read preimages`;
  const ways = `give the API a certificate and callers roles (api.tlsCertPath, api.tlsKeyPath, api.accessPath; ${MAKE}), or write api.allowPlaintext: true to go on in plaintext as the Go program did, or listen on localhost`;
  root.problem('listenAddress', `${what}; ${ways}`);
}

/** @param configPath Absolute. Paths are relative to its folder. */
export function readApi(
  section: Section,
  root: Section,
  listenAddress: string,
  configPath: string,
): ApiConfig {
  const path = (name: string) => {
    const text = section.text(name);
    return text === undefined || text === '' ? undefined : resolve(dirname(configPath), text);
  };
  const config: ApiConfig = {
    tlsCertPath: path('tlsCertPath'),
    tlsKeyPath: path('tlsKeyPath'),
    clientCaPath: path('clientCaPath'),
    accessPath: path('accessPath'),
    allowPlaintext: section.boolean('allowPlaintext', false),
    returnPreimage: section.boolean('returnPreimage', true),
  };
  checkTls(section, config);
  checkPlaintext(section, root, listenAddress, config);
  section.finish();
  return config;
}
