import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsMaterial } from './files.ts';

/**
 * TLS for the server, with certificates that can be replaced while it listens: connections that there are go on, new
 * ones see the new certificate.
 *
 * A client without a valid certificate may connect and is refused by each method, in words: it could send a token
 * instead, a probe may ask for health, and an alert of TLS would look to clients like a server that is down.
 */
export class ReloadingCredentials extends ServerCredentials {
  constructor(material: TlsMaterial) {
    const requestCert = material.ca !== undefined;
    super({ requestCert, rejectUnauthorized: false, minVersion: 'TLSv1.2' }, contextOf(material));
  }

  replace(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** Without an authority of our own for clients, none is trusted: not those of the system. */
function contextOf({ cert, key, ca }: TlsMaterial) {
  return { cert: [cert], key: [key], ca: ca ?? [] };
}
