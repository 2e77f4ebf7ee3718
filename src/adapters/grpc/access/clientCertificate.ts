import type { PeerCertificate } from 'node:tls';
import { isAccessName } from './accessFile.ts';
import { isRole, type Role, type Roles } from './roles.ts';

/** What counts of a client's certificate, whose signature by our authority the handshake has checked. */
export interface ClientCertificate {
  /** The common name, or what of it may be shown. */
  readonly name: string;
  /** Those of its subject. */
  readonly roles: Roles;
  /** SHA256 of the certificate. */
  readonly digest: Buffer;
  /** Unix milliseconds. A connection may outlive it. */
  readonly validTo: number;
}

/**
 * Roles are organizational units of the subject with this in front, one for each: the authority may be one that signs
 * for other programs too, where a unit `admin` means something else.
 */
export const ROLE_UNIT_PREFIX = 'lnmux:';

function rolesOf(units: unknown): Roles {
  const all = Array.isArray(units) ? (units as unknown[]) : [units];
  const roles = all
    .filter((unit) => typeof unit === 'string' && unit.startsWith(ROLE_UNIT_PREFIX))
    .map((unit) => (unit as string).slice(ROLE_UNIT_PREFIX.length));
  return new Set(roles.filter((role): role is Role => isRole(role)));
}

export function clientCertificate(peer: PeerCertificate): ClientCertificate {
  const { CN } = peer.subject as { CN?: unknown };
  return {
    name: typeof CN === 'string' && isAccessName(CN) ? CN : 'unnamed',
    roles: rolesOf(peer.subject.OU),
    digest: Buffer.from(peer.fingerprint256.replaceAll(':', ''), 'hex'),
    validTo: Date.parse(peer.valid_to),
  };
}
