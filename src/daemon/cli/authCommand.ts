import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROLE_UNIT_PREFIX } from '../../adapters/grpc/access/clientCertificate.ts';
import { formatRoles, NO_ROLES, type Roles } from '../../adapters/grpc/access/roles.ts';
import { createToken, tokenDigest } from '../../adapters/grpc/access/tokens.ts';
import { IssuerError, type KeyedCertificate, makeCertificate } from '../../x509/certificate.ts';
import { EXIT } from '../exit.ts';
import { type AuthRequest, parseAuthArgs } from './authArgs.ts';
import {
  AuthError,
  accessPath,
  addAccess,
  certificateAt,
  ensureAccess,
  fingerprintOf,
  loadAccess,
  loadPair,
  pairPaths,
  removeAccess,
  savePair,
} from './authFiles.ts';
import { lnmuxdHelp } from './lnmuxdHelp.ts';

type Of<Action extends AuthRequest['action']> = Extract<AuthRequest, { action: Action }>;

const DAY_MS = 86_400_000;

/** Clocks of other machines may be behind ours. */
const BACKDATED_MS = 300_000;

function tell(...lines: readonly string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`);
}

function validity(days: number): { readonly validFrom: Date; readonly validTo: Date } {
  const now = Date.now();
  return { validFrom: new Date(now - BACKDATED_MS), validTo: new Date(now + days * DAY_MS) };
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function makeAuthority({ dir, name, days }: Of<'ca'>): void {
  const paths = pairPaths(dir, 'ca');
  const times = validity(days);
  if (certificateAt(paths.cert) !== undefined) {
    throw new AuthError(`${paths.cert} is there already: everything that it signed would be worthless`);
  }
  savePair(paths, makeCertificate({ subject: { commonName: name }, use: 'authority', ...times }), false);
  tell(
    `${paths.cert}: the authority, valid until ${day(times.validTo)}. Not secret: lnmuxd and its callers get it.`,
    `${paths.key}: its key. Whoever has it can make themselves admin; keep it away from the machine of lnmuxd.`,
    'Next: lnmuxd auth server --host NAME-OR-ADDRESS',
  );
}

function issuerIn(dir: string): KeyedCertificate {
  const paths = pairPaths(dir, 'ca');
  if (certificateAt(paths.cert) === undefined) {
    throw new AuthError(`there is no ${paths.cert}: make an authority first, with lnmuxd auth ca`);
  }
  return loadPair(paths);
}

function makeServer({ dir, hosts, days, force }: Of<'server'>): void {
  const paths = pairPaths(dir, 'server');
  const times = validity(days);
  const subject = { commonName: hosts[0] as string };
  savePair(paths, makeCertificate({ subject, use: 'server', hosts, issuer: issuerIn(dir), ...times }), force);
  ensureAccess(dir);
  tell(
    `${paths.cert}: the server, valid until ${day(times.validTo)}, for ${hosts.join(', ')}.`,
    `${paths.key}: its key, for lnmuxd only. The user that lnmuxd runs as has to be able to read both.`,
    'In lnmux.yml:',
    '  api:',
    `    tlsCertPath: ${resolve(paths.cert)}`,
    `    tlsKeyPath: ${resolve(paths.key)}`,
    `    clientCaPath: ${resolve(dir, 'ca.crt')}`,
    `    accessPath: ${resolve(accessPath(dir))}`,
    'Next: lnmuxd auth client --name NAME --role ROLES, or lnmuxd auth token --name NAME --role ROLES',
  );
}

function makeClient({ dir, name, roles, days }: Of<'client'>): void {
  const paths = pairPaths(dir, name);
  const times = validity(days);
  const units = formatRoles(roles)
    .split(',')
    .map((role) => ROLE_UNIT_PREFIX + role);
  const subject = { commonName: name, units };
  if (certificateAt(paths.cert) !== undefined) {
    throw new AuthError(`${paths.cert} is there already: revoke ${name}, or choose another name`);
  }
  savePair(paths, makeCertificate({ subject, use: 'client', issuer: issuerIn(dir), ...times }), false);
  tell(
    `${paths.cert}: ${name} with ${rolesInWords(roles)}, valid until ${day(times.validTo)}.`,
    `${paths.key}: its key. Give both and ca.crt to ${name}, and keep ${name}.crt here to be able to revoke it.`,
    `  lnmuxcli --rpcserver HOST:19090 --tls-cert ${join(dir, 'ca.crt')} --tls-client-cert ${paths.cert} --tls-client-key ${paths.key} getinfo`,
    `To take it back: lnmuxd auth revoke --name ${name}`,
  );
}

function rolesInWords(roles: Roles): string {
  return `the role${roles.size > 1 ? 's' : ''} ${formatRoles(roles).replaceAll(',', ', ')}`;
}

function makeToken({ dir, name, roles }: Of<'token'>): void {
  const path = accessPath(dir);
  if (loadAccess(dir).entries.some((entry) => entry.name === name)) {
    throw new AuthError(`${path} has a ${name} already: revoke it, or choose another name`);
  }
  const token = createToken();
  addAccess(dir, { name, roles, kind: 'token', digest: tokenDigest(token) });
  process.stdout.write(`${token}\n`);
  tell(
    `The token of ${name} with ${rolesInWords(roles)}. It is shown this once: ${path} keeps a hash of it.`,
    'Callers send it as the header "authorization: Bearer TOKEN"; lnmuxcli takes it from --token-file or LNMUX_TOKEN.',
    'In lnmux.yml:',
    '  api:',
    `    accessPath: ${resolve(path)}`,
    `To take it back: lnmuxd auth revoke --name ${name}`,
  );
}

function revoke({ dir, name }: Of<'revoke'>): void {
  const path = accessPath(dir);
  const hadLines = loadAccess(dir).entries.some((entry) => entry.name === name);
  const certificate = certificateAt(pairPaths(dir, name).cert);
  if (!hadLines && certificate === undefined) {
    throw new AuthError(`nobody is called ${name}, neither in ${path} nor by a certificate in ${dir}`);
  }
  if (hadLines) removeAccess(dir, name);
  if (certificate !== undefined) {
    addAccess(dir, { name, roles: NO_ROLES, kind: 'cert', digest: fingerprintOf(certificate) });
  }
  tell(
    `${name} is revoked in ${path}. A running lnmuxd with this file as api.accessPath knows within seconds.`,
    ...(certificate === undefined
      ? []
      : [`Leave the line with ${name} there until its certificate has ended.`]),
  );
}

function list({ dir }: Of<'list'>): void {
  const { entries } = loadAccess(dir);
  const revoked = new Set(
    entries.filter(({ roles }) => roles.size === 0).map(({ digest }) => digest.toString('hex')),
  );
  const tokens = entries
    .filter(({ kind }) => kind === 'token')
    .map(({ name, roles }) => [name, 'token', formatRoles(roles) || 'revoked', '']);
  const certificates = certificatesIn(dir).map(([name, certificate]) => {
    const isRevoked = revoked.has(fingerprintOf(certificate).toString('hex'));
    const end = new Date(certificate.validTo);
    return [name, 'certificate', isRevoked ? 'revoked' : rolesOf(certificate), `until ${day(end)}`];
  });
  const rows = [...tokens, ...certificates];
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => (row[column] as string).length)));
  for (const row of rows) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
}

function certificatesIn(dir: string) {
  const files = existsSync(dir) ? readdirSync(dir) : [];
  const names = files.filter((file) => file.endsWith('.crt')).map((file) => file.slice(0, -'.crt'.length));
  names.sort();
  return names.map((name) => [name, certificateAt(pairPaths(dir, name).cert)!] as const);
}

function rolesOf({ subject, ca }: { readonly subject: string; readonly ca: boolean }): string {
  if (ca) return 'authority';
  const units = subject.split('\n').filter((line) => line.startsWith(`OU=${ROLE_UNIT_PREFIX}`));
  return units.map((line) => line.slice(`OU=${ROLE_UNIT_PREFIX}`.length)).join(',') || 'server';
}

function perform(request: AuthRequest): void {
  switch (request.action) {
    case 'ca':
      return makeAuthority(request);
    case 'server':
      return makeServer(request);
    case 'client':
      return makeClient(request);
    case 'token':
      return makeToken(request);
    case 'revoke':
      return revoke(request);
    case 'list':
      return list(request);
    case 'help':
      process.stdout.write(lnmuxdHelp('auth'));
  }
}

/** `lnmuxd auth …`: makes certificates and tokens for the API. What to do with them is said on stderr. */
export async function authCommand(args: readonly string[]): Promise<number> {
  const parsed = parseAuthArgs(args);
  if (!parsed.ok) {
    tell(`lnmuxd auth: ${parsed.problem}`);
    return EXIT.usage;
  }
  try {
    perform(parsed.request);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof IssuerError) tell(`lnmuxd auth: ca.crt and ca.key: ${error.message}`);
    else if (error instanceof AuthError) tell(`lnmuxd auth: ${error.message}`);
    else throw error;
    return EXIT.failed;
  }
}
