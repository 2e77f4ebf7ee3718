/**
 * What a caller may do. Each role includes `read`, and `admin` includes all. `invoices` and `settle` don't include each
 * other: who writes invoices need not be able to decide about money.
 */
export const ROLES = ['read', 'invoices', 'settle', 'admin'] as const;

export type Role = (typeof ROLES)[number];

export type Roles = ReadonlySet<Role>;

export const NO_ROLES: Roles = new Set();

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** Whether these roles include the one that is needed. */
export function includes(roles: Roles, needed: Role): boolean {
  if (roles.has('admin') || roles.has(needed)) return true;
  return needed === 'read' && roles.size > 0;
}

/**
 * Whether a caller may see preimages. Only `admin`: whoever knows one before its payment is settled can keep the
 * payer's money on the way here, which even `settle` does not allow.
 */
export function seesPreimages(roles: Roles): boolean {
  return roles.has('admin');
}

/** Reads `invoices,settle`; undefined when a word is no role, or none is there. */
export function parseRoles(text: string): Roles | undefined {
  const words = text.split(',');
  return words.every(isRole) ? new Set(words) : undefined;
}

export function formatRoles(roles: Roles): string {
  return ROLES.filter((role) => roles.has(role)).join(',');
}
