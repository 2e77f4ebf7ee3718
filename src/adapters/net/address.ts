import { lookup } from 'node:dns/promises';

/** A place to listen or connect: `host` without brackets, empty for every interface. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Takes `host:port`, `:port`, `1.2.3.4:port` and `[::1]:port`; undefined for anything else. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^\s:/@[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? '', port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only programs on this machine can reach what listens here. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * The addresses behind a host; of an empty one, every interface. Whoever listens on a name has to listen on all of
 * them: with another program on 127.0.0.1 it would sit on ::1 alone, and clients would find the other.
 */
export async function addressesOf(host: string): Promise<string[]> {
  if (host === '') return ['::'];
  const found = await lookup(host, { all: true });
  return [...new Set(found.map((entry) => entry.address))];
}

/** A machine without IPv6 still resolves names to ::1, and "all interfaces" means those that there are. */
export function isMissingFamily(error: unknown): boolean {
  return /EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(error));
}

export type ListenProblem = 'bad_address' | 'in_use' | 'not_permitted' | 'failed';

/** Why an address can't be listened on, and what to do; `key` is where the operator configured it. */
export function listenProblemOf(
  cause: string,
  key: string,
): { readonly reason: ListenProblem; readonly advice: string } {
  if (cause.includes('EADDRINUSE')) {
    const advice = `the port is in use; stop the program that has it (another lnmuxd?) or change ${key}`;
    return { reason: 'in_use', advice };
  }
  if (cause.includes('EACCES')) {
    return { reason: 'not_permitted', advice: 'not permitted; choose a port of 1024 or above' };
  }
  if (cause.includes('EADDRNOTAVAIL') || cause.includes('ENOTFOUND')) {
    const advice =
      'the host is not an address of this machine; use localhost, or leave the host empty for all';
    return { reason: 'bad_address', advice };
  }
  return { reason: 'failed', advice: cause };
}
