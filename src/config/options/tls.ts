// The TLS side of a listener: files, what is asked of clients, and how long a session may be resumed.
import { z } from 'zod'
import { count } from './count.ts'

const DAY_SECONDS = 86_400

const file = (description: string) => z.string().max(4_096).default('').describe(description)

const furtherCertificate = z
  .strictObject({
    certificate: file('File with a certificate chain (PEM), chosen by the names that it is for.'),
    key: file('File with its private key (PEM).'),
  })
  .readonly()

export const tls = z
  .strictObject({
    certificate: file("File with the server's certificate (PEM), and after it those that signed it."),
    key: file('File with its private key (PEM, without a passphrase).'),
    certificates: z
      .array(furtherCertificate)
      .max(1_000)
      .readonly()
      .default([])
      .describe('Further certificates, for clients that ask for a server name of theirs (SNI).'),
    requireCertificate: z
      .boolean()
      .default(false)
      .describe('Whether clients must show a certificate that tls.ca has signed.'),
    ca: file('File with the certificates (PEM) of those who may sign certificates of clients.'),
    crl: file('File with their revocation lists (PEM), one of each.'),
    userNameFrom: z
      .enum(['none', 'commonName', 'subject', 'pskIdentity'])
      .default('none')
      .describe(
        'What TLS has proved that becomes the user name: of the certificate the common name or the whole subject.',
      ),
    pskFile: file('File of pre-shared keys instead of certificates, a line each: identity:hexkey.'),
    pskHint: z.string().max(128).default('').describe('Told to clients before they choose an identity.'),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('The oldest version spoken.'),
    ciphers: z
      .string()
      .max(4_096)
      .default('')
      .describe("Cipher suites in OpenSSL's notation. Empty: those that Node.js takes."),
    ticketSeconds: count(
      0,
      7 * DAY_SECONDS,
      7_200,
      'Seconds for which a TLS session may be resumed, and after which its keys change; 0: never.',
    ),
    watchIntervalMs: count(
      0,
      DAY_SECONDS * 1000,
      5_000,
      'Milliseconds between two looks at whether a file has changed; 0: never.',
    ),
  })
  .readonly()
