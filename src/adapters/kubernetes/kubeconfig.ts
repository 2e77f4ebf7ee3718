import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { AccessError, type ClusterAccess, fileFault } from './access.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Ways to authenticate that need another program, or are gone from Kubernetes. */
const UNSUPPORTED = ['exec', 'auth-provider', 'username', 'password', 'impersonate', 'as'];

/**
 * Access as the current context of a kubeconfig has it: server, authority, and a client certificate or a token,
 * each inline or as a file. For development, outside of a cluster.
 *
 * @throws AccessError naming the file and what is wrong with it.
 */
export function kubeconfigAccess(path: string): ClusterAccess {
  const file = path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path);
  const fault = (what: string) => new AccessError(`kubeconfig ${file}: ${what}`);
  const root = readRoot(file, fault);
  const context = named(root, 'contexts', 'context', root['current-context'], 'current-context', fault);
  const cluster = named(root, 'clusters', 'cluster', context.cluster, 'context.cluster', fault);
  const user = named(root, 'users', 'user', context.user, 'context.user', fault);
  const foreign = UNSUPPORTED.find((key) => user[key] !== undefined);
  if (foreign) throw fault(`user.${foreign} is not supported; use a token or a client certificate`);
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw fault('insecure-skip-tls-verify is refused; give certificate-authority');
  }
  if (cluster['proxy-url'] !== undefined) throw fault('cluster.proxy-url is not supported');
  const server = readServer(cluster.server, fault);
  const folder = dirname(file);
  const ca = source(cluster, 'certificate-authority', folder, fault);
  const clientCert = source(user, 'client-certificate', folder, fault);
  const clientKey = source(user, 'client-key', folder, fault);
  const token = tokenSource(user, folder, fault);
  if (!token && !(clientCert && clientKey)) {
    throw fault('the user has neither a token nor a client certificate with its key');
  }
  return {
    ...server,
    serverName: text(cluster['tls-server-name']),
    async credentials() {
      const [caPem, certPem, keyPem, bearer] = await Promise.all(
        [ca, clientCert, clientKey, token].map((each) => each?.()),
      );
      return { ca: caPem, clientCert: certPem, clientKey: keyPem, token: bearer };
    },
  };
}

type Fault = (what: string) => AccessError;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function readRoot(file: string, fault: Fault): Fields {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw fault(`cannot be read (${fileFault(error)})`);
  }
  let root: unknown;
  try {
    root = parse(content);
  } catch {
    throw fault('not YAML');
  }
  if (!isFields(root)) throw fault('not a kubeconfig');
  return root;
}

/** The entry of a list by its name, as kubeconfigs nest them: `contexts: [{name, context: {…}}]`. */
function named(root: Fields, list: string, key: string, name: unknown, from: string, fault: Fault): Fields {
  const wanted = text(name);
  if (wanted === undefined) throw fault(`${from} is missing`);
  const entries = Array.isArray(root[list]) ? (root[list] as unknown[]) : [];
  const entry = entries.find((each) => isFields(each) && each.name === wanted);
  const value = isFields(entry) ? entry[key] : undefined;
  if (!isFields(value)) throw fault(`${from} names ${wanted}, which is not in ${list}`);
  return value;
}

function readServer(value: unknown, fault: Fault): Pick<ClusterAccess, 'host' | 'port' | 'basePath'> {
  const given = text(value);
  if (given === undefined || !URL.canParse(given)) throw fault('cluster.server is not a URL');
  const url = new URL(given);
  if (url.protocol !== 'https:') throw fault('cluster.server must begin with https://');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 443 : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
  };
}

type Source = () => Promise<string>;

/** `key-data` (base64) or the file that `key` names; relative to the kubeconfig, read when it is needed. */
function source(fields: Fields, key: string, folder: string, fault: Fault): Source | undefined {
  const data = text(fields[`${key}-data`]);
  if (data !== undefined) {
    const decoded = Buffer.from(data, 'base64').toString('utf8');
    return async () => decoded;
  }
  const path = text(fields[key]);
  return path === undefined ? undefined : () => readCredential(resolve(folder, path), key, fault);
}

function tokenSource(user: Fields, folder: string, fault: Fault): Source | undefined {
  // As in client-go, the file comes first: it is the one that can rotate.
  const path = text(user.tokenFile);
  if (path !== undefined) return () => readCredential(resolve(folder, path), 'tokenFile', fault);
  const token = text(user.token);
  return token === undefined ? undefined : async () => token;
}

async function readCredential(path: string, key: string, fault: Fault): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw fault(`${key}: cannot read ${path} (${fileFault(error)})`);
  }
}
