import { isIP } from 'node:net';

/** Whether a certificate can be for it: an IP address, or a name of DNS, whose first label may be `*`. */
export function isServerName(host: string): boolean {
  if (isIP(host) !== 0) return !host.includes('%');
  if (host.length > 253) return false;
  // A name of digits and dots only would be an address that is not one.
  return (
    /^(?:\*\.)?(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.)*[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(host) &&
    !/^[\d.]+$/.test(host)
  );
}
