import { type KeyedCertificate, makeCertificate } from '../../x509/certificate.ts';

/**
 * A self-signed certificate of the kind that lnd makes: its own authority, for localhost, 127.0.0.1, ::1 and the name.
 * Valid until the end of 2049, so that nothing ever has to renew it.
 */
export function selfSignedCertificate(name: string): KeyedCertificate {
  return makeCertificate({
    subject: { commonName: name, organization: 'lnmux simulated lnd' },
    use: 'alone',
    hosts: ['localhost', name, '127.0.0.1', '::1'],
    validFrom: new Date('2020-01-01T00:00:00Z'),
    validTo: new Date('2049-12-31T23:59:59Z'),
  });
}
