import { formatRoles, NO_ROLES, parseRoles, type Roles } from './roles.ts';

/** One line of the access file: somebody, what they may do, and how they are known. */
export interface AccessEntry {
  readonly name: string;
  /** Empty: revoked. */
  readonly roles: Roles;
  /** A token by its hash, or a client certificate by its fingerprint; both SHA256. */
  readonly kind: 'token' | 'cert';
  readonly digest: Buffer;
}

/** A line that says nothing that could be understood, and so gives nothing to anybody. */
export interface AccessProblem {
  readonly line: number;
  readonly message: string;
}

export interface AccessFile {
  readonly entries: readonly AccessEntry[];
  readonly problems: readonly AccessProblem[];
}

/** Every call compares its token with each entry; a thousand take about 100 µs. */
const MAX_ENTRIES = 1_000;

export const ACCESS_FILE_HEADER = `# Who may call the API of lnmuxd: NAME ROLES CREDENTIAL. A change counts within seconds.
# Take a line with a token out, and the token is worth nothing. A line with a certificate replaces the roles that the
# certificate itself says; "revoked" in place of the roles takes all of them away.
`;

const REVOKED = 'revoked';
const NAME = /^[\w.@-]{1,64}$/;

/** Whether it can be the name of an entry: no spaces, nothing that could confuse a log. */
export function isAccessName(text: string): boolean {
  return NAME.test(text);
}

function entryOf(words: readonly string[]): AccessEntry | string {
  const [name = '', rolesText = '', credential = '', ...more] = words;
  if (credential === '' || more.length > 0) return 'write NAME ROLES CREDENTIAL, three words';
  if (!isAccessName(name)) return 'the name may have letters, digits and . _ @ - only, at most 64';
  const roles = rolesText === REVOKED ? NO_ROLES : parseRoles(rolesText);
  if (roles === undefined)
    return 'the roles are read, invoices, settle and admin, joined by commas; or revoked';
  const [kind = '', ...parts] = credential.split(':');
  // Fingerprints are usually written with colons. The word is not shown: it may be a token, written here by mistake.
  const hex = parts.join('');
  if ((kind !== 'token' && kind !== 'cert') || !/^[0-9a-f]{64}$/i.test(hex)) {
    return 'the credential is token: or cert: and 64 hex digits, as lnmuxd auth writes them';
  }
  return { name, roles, kind, digest: Buffer.from(hex, 'hex') };
}

/** Reads the text of an access file. Lines that can't be understood are left out and named. */
export function parseAccessFile(text: string): AccessFile {
  const entries: AccessEntry[] = [];
  const problems: AccessProblem[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*$/, '').trim();
    if (line === '') continue;
    const entry = entryOf(line.split(/\s+/));
    if (typeof entry === 'string') problems.push({ line: index + 1, message: entry });
    else if (entries.length < MAX_ENTRIES) entries.push(entry);
    else problems.push({ line: index + 1, message: `more than ${MAX_ENTRIES} entries` });
  }
  return { entries, problems };
}

/** An entry as a line, with its end. */
export function formatAccessEntry({ name, roles, kind, digest }: AccessEntry): string {
  const rolesText = roles.size === 0 ? REVOKED : formatRoles(roles);
  return `${name} ${rolesText} ${kind}:${digest.toString('hex')}\n`;
}
