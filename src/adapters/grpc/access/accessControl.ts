import { timingSafeEqual } from 'node:crypto';
import type { AccessEntry } from './accessFile.ts';
import type { ClientCertificate } from './clientCertificate.ts';
import { type Needed, neededRole } from './methodRoles.ts';
import { includes, type Roles } from './roles.ts';

/** Who calls. */
export interface Principal {
  /** As the access file or the certificate has it; for logs. */
  readonly name: string;
  readonly roles: Roles;
}

/** How a caller says who it is. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly digest: Buffer }
  | { readonly kind: 'cert'; readonly certificate: ClientCertificate };

export type Admission =
  | { readonly ok: true; readonly principal: Principal }
  | {
      readonly ok: false;
      readonly code: 'unauthenticated' | 'permission_denied';
      /** For the caller: what is missing, and what to do. */
      readonly reason: string;
      /** The caller's name, as far as it is known. */
      readonly name?: string;
    };

/** Which kinds of credentials the configuration takes. */
export interface Ways {
  readonly tokens: boolean;
  readonly certificates: boolean;
}

/** Nobody in particular, where the configuration asks nobody: may do everything, as with the Go program. */
export const ANYBODY: Principal = { name: 'anybody', roles: new Set(['admin']) };

const STRANGER: Principal = { name: 'stranger', roles: new Set() };

function strangerAdvice({ tokens, certificates }: Ways): string {
  const ways = [
    ...(tokens ? ['a token in the header "authorization: Bearer TOKEN" (lnmuxd auth token)'] : []),
    ...(certificates ? ['a client certificate that is valid and of our authority (lnmuxd auth client)'] : []),
  ];
  return `say who you are: send ${ways.join(', or connect with ')}`;
}

/** Decides who may call what. Without any way to say who one is, everybody may do everything. */
export class AccessControl {
  readonly ways: Ways;
  readonly #now: () => number;
  #tokens: readonly AccessEntry[] = [];
  #certificates: ReadonlyMap<string, AccessEntry> = new Map();

  /** @param now Unix milliseconds, for the end of certificates. */
  constructor(ways: Ways, now: () => number = Date.now) {
    this.ways = ways;
    this.#now = now;
  }

  /** Replaces everything that the access file said before. */
  setEntries(entries: readonly AccessEntry[]): void {
    this.#tokens = entries.filter(({ kind, roles }) => kind === 'token' && roles.size > 0);
    this.#certificates = new Map(
      entries.filter(({ kind }) => kind === 'cert').map((entry) => [entry.digest.toString('hex'), entry]),
    );
  }

  admit(path: string, credential: Credential): Admission {
    const needed = neededRole(path);
    if (needed === undefined) {
      const reason = 'this method has no role, so nobody may call it; please report it as a defect';
      return { ok: false, code: 'permission_denied', reason };
    }
    const known = this.#identify(needed, credential);
    if (!known.ok || needed === 'open' || includes(known.principal.roles, needed)) return known;
    const { name } = known.principal;
    const orAdmin = needed === 'admin' ? '' : ' (or admin)';
    const reason = `${name} has not the role "${needed}"${orAdmin}, which this call needs`;
    return { ok: false, code: 'permission_denied', reason, name };
  }

  #identify(needed: Needed, credential: Credential): Admission {
    if (!this.ways.tokens && !this.ways.certificates) return { ok: true, principal: ANYBODY };
    if (needed === 'open') return { ok: true, principal: STRANGER };
    switch (credential.kind) {
      case 'none':
        return { ok: false, code: 'unauthenticated', reason: strangerAdvice(this.ways) };
      case 'token':
        return this.#byToken(credential.digest);
      case 'cert':
        return this.#byCertificate(credential.certificate);
    }
  }

  /** Compares with every entry, in the same time whichever it is. */
  #byToken(digest: Buffer): Admission {
    let found: AccessEntry | undefined;
    for (const entry of this.#tokens) if (timingSafeEqual(entry.digest, digest)) found = entry;
    if (found !== undefined) return { ok: true, principal: found };
    const reason = 'this token is not known here: revoked, mistyped, or made for another lnmuxd';
    return { ok: false, code: 'unauthenticated', reason };
  }

  #byCertificate({ name, roles, digest, validTo }: ClientCertificate): Admission {
    if (!(this.#now() < validTo)) {
      const reason = 'the client certificate has expired: make a new one (lnmuxd auth client)';
      return { ok: false, code: 'unauthenticated', reason, name };
    }
    const entry = this.#certificates.get(digest.toString('hex'));
    if (entry === undefined) return { ok: true, principal: { name, roles } };
    if (entry.roles.size > 0) return { ok: true, principal: entry };
    return { ok: false, code: 'unauthenticated', reason: 'the client certificate was revoked', name };
  }
}
