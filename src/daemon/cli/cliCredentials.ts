import { readFileSync } from 'node:fs';
import { ChannelCredentials, InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { type CliConnection, ConnectionProblem } from './cliConnection.ts';

function read(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : `can't be read (${code})`;
    throw new ConnectionProblem(`--${flag} ${path}: ${what}`);
  }
}

/** @throws ConnectionProblem */
export function credentialsOf(connection: CliConnection): ChannelCredentials {
  const { tls, tlsCert, tlsClientCert, tlsClientKey } = connection;
  if (!tls && tlsCert === undefined) return ChannelCredentials.createInsecure();
  const roots = tlsCert === undefined ? null : read('tls-cert', tlsCert);
  const key = tlsClientKey === undefined ? null : read('tls-client-key', tlsClientKey);
  const chain = tlsClientCert === undefined ? null : read('tls-client-cert', tlsClientCert);
  try {
    return ChannelCredentials.createSsl(roots, key, chain);
  } catch {
    const files = [tlsCert, tlsClientCert, tlsClientKey].filter((path) => path !== undefined).join(', ');
    throw new ConnectionProblem(`can't use ${files}: not a certificate in PEM, or not its key`);
  }
}

function tokenOf({ token, tokenFile }: CliConnection): string | undefined {
  const text =
    token ?? (tokenFile === undefined ? undefined : read('token-file', tokenFile).toString('utf8'));
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (!/^[\x21-\x7e]{1,500}$/.test(trimmed)) {
    const where = token === undefined ? `--token-file ${tokenFile}` : 'LNMUX_TOKEN';
    throw new ConnectionProblem(`${where}: not a token, which is one word (lnmuxd auth token)`);
  }
  return trimmed;
}

/**
 * Adds the token to every call. It is not part of the credentials, because grpc-js sends those over TLS only, and on
 * one machine a token is good in plaintext too.
 *
 * @throws ConnectionProblem
 */
export function interceptorsOf(connection: CliConnection): readonly Interceptor[] {
  const token = tokenOf(connection);
  if (token === undefined) return [];
  return [
    (options, next) =>
      new InterceptingCall(next(options), {
        start(metadata, listener, go) {
          metadata.set('authorization', `Bearer ${token}`);
          go(metadata, listener);
        },
      }),
  ];
}
