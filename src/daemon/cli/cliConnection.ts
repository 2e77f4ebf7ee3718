import { isLoopback, parseHostPort } from '../../adapters/net/address.ts';
import type { FlagSpecs } from './flags.ts';

/** Where lnmuxd is and how to show who we are: each as a flag, or in the environment. */
export interface CliConnection {
  /** host:port */
  readonly server: string;
  /** TLS with the authorities of this system. */
  readonly tls: boolean;
  /** Path: the server's certificate or that of its authority. */
  readonly tlsCert: string | undefined;
  readonly tlsClientCert: string | undefined;
  readonly tlsClientKey: string | undefined;
  /** From the environment only: other users of a machine can read arguments. */
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
}

export const CONNECTION_FLAGS: FlagSpecs = {
  rpcserver: { type: 'string' },
  tls: { type: 'boolean' },
  'tls-cert': { type: 'string', completes: 'files' },
  tlscertpath: { type: 'string', completes: 'files' },
  'tls-client-cert': { type: 'string', completes: 'files' },
  'tls-client-key': { type: 'string', completes: 'files' },
  'token-file': { type: 'string', completes: 'files' },
};

export const CONNECTION_HELP = `  --rpcserver HOST:PORT   where lnmuxd listens (default localhost:19090)
  --tls-cert FILE         its certificate, or its authority's: TLS with only this trusted
  --tls                   TLS, with the authorities that this system trusts
  --tls-client-cert FILE  our own certificate, and
  --tls-client-key FILE   its key, for a lnmuxd that takes client certificates
  --token-file FILE       a file with our token
environment, where a flag is not given: LNMUX_RPCSERVER, LNMUX_TLS_CERT, LNMUX_TLS_CLIENT_CERT, LNMUX_TLS_CLIENT_KEY,
  LNMUX_TOKEN (the token itself), LNMUX_TOKEN_FILE
`;

const DEFAULT_SERVER = 'localhost:19090';

/** What is wrong with how to connect: wrong arguments, or a file that can't be used. */
export class ConnectionProblem extends Error {}

type Flags = Readonly<Record<string, string | true>>;

function serverOf(text: string): string {
  const parsed = parseHostPort(text);
  if (parsed === undefined || parsed.port === 0) {
    throw new ConnectionProblem('--rpcserver must be host:port, for example --rpcserver=localhost:19090');
  }
  return parsed.host === '' ? `localhost:${parsed.port}` : text;
}

/** @throws ConnectionProblem */
export function connectionOf(flags: Flags, env: NodeJS.ProcessEnv): CliConnection {
  const text = (flag: string, variable: string) =>
    (flags[flag] as string | undefined) ?? (env[variable] || undefined);
  const tokenFile = text('token-file', 'LNMUX_TOKEN_FILE');
  const connection: CliConnection = {
    server: serverOf(text('rpcserver', 'LNMUX_RPCSERVER') ?? DEFAULT_SERVER),
    tls: flags.tls === true,
    tlsCert: text('tls-cert', 'LNMUX_TLS_CERT') ?? (flags.tlscertpath as string | undefined),
    tlsClientCert: text('tls-client-cert', 'LNMUX_TLS_CLIENT_CERT'),
    tlsClientKey: text('tls-client-key', 'LNMUX_TLS_CLIENT_KEY'),
    token: flags['token-file'] === undefined ? env.LNMUX_TOKEN || undefined : undefined,
    tokenFile,
  };
  if ((connection.tlsClientCert === undefined) !== (connection.tlsClientKey === undefined)) {
    throw new ConnectionProblem('--tls-client-cert and --tls-client-key belong together: give both');
  }
  if (connection.tlsClientCert !== undefined && connection.tlsCert === undefined && !connection.tls) {
    throw new ConnectionProblem('--tls-client-cert needs TLS: give --tls-cert or --tls too');
  }
  return connection;
}

/** A word of warning for a token that others could read on its way; undefined where there is nothing to say. */
export function plaintextWarning(connection: CliConnection): string | undefined {
  const { server, tls, tlsCert, token, tokenFile } = connection;
  const sent = token !== undefined || tokenFile !== undefined;
  const host = parseHostPort(server)?.host ?? '';
  if (!sent || tls || tlsCert !== undefined || isLoopback(host)) return undefined;
  return 'the token goes over the network in plaintext, for everybody on the way to read: give --tls-cert';
}
