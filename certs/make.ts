// Certificates for development and tests: a CA, and what it has signed for a server and for clients, one of which has
// expired and one of which is on its revocation list. Nothing of this belongs on a machine that others reach.
// make-certs.ts writes them for people, the tests call it for a folder of their own.
// What @peculiar/x509 is built on wants it first.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS

x509.cryptoProvider.set(webcrypto as never)

type KeyPair = webcrypto.CryptoKeyPair

export interface Signed {
  readonly certificate: x509.X509Certificate
  readonly keys: KeyPair
}

export interface ServerNames {
  readonly dns: readonly string[]
  readonly ip?: readonly string[]
}

export interface Lifetime {
  readonly from: Date
  readonly to: Date
}

/** Good for `ms` from a day ago on: clocks differ. */
export const lifetime = (ms: number): Lifetime => ({
  from: new Date(Date.now() - DAY_MS),
  to: new Date(Date.now() + ms),
})

const past: Lifetime = { from: new Date(Date.now() - 30 * DAY_MS), to: new Date(Date.now() - DAY_MS) }

export class DevelopmentCa {
  readonly certificate: x509.X509Certificate
  readonly #keys: KeyPair
  #serial = 0

  private constructor({ certificate, keys }: Signed) {
    this.certificate = certificate
    this.#keys = keys
  }

  static async create(name = 'godwit development CA'): Promise<DevelopmentCa> {
    const keys = await makeKeys()
    const { from, to } = lifetime(10 * YEAR_MS)
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: `CN=${name},O=godwit development`,
      notBefore: from,
      notAfter: to,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return new DevelopmentCa({ certificate, keys })
  }

  server(names: ServerNames, valid = lifetime(YEAR_MS)): Promise<Signed> {
    const alternatives = [
      ...names.dns.map((value) => ({ type: 'dns' as const, value })),
      ...(names.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
    ]
    return this.#sign(`CN=${names.dns[0]}`, valid, x509.ExtendedKeyUsage.serverAuth, [
      new x509.SubjectAlternativeNameExtension(alternatives),
    ])
  }

  /** `subject` as RFC 4514 writes it, such as CN=meter-7,O=Example. */
  client(subject: string, valid = lifetime(YEAR_MS)): Promise<Signed> {
    return this.#sign(subject, valid, x509.ExtendedKeyUsage.clientAuth, [])
  }

  /** PEM. */
  async revocationList(revoked: readonly Signed[], valid = lifetime(YEAR_MS)): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.certificate.subject,
      thisUpdate: valid.from,
      nextUpdate: valid.to,
      entries: revoked.map(({ certificate: { serialNumber } }) => ({
        serialNumber,
        revocationDate: valid.from,
        reason: x509.X509CrlReason.keyCompromise,
      })),
      signingAlgorithm: ALGORITHM,
      signingKey: this.#keys.privateKey,
    })
    return x509.PemConverter.encode(list.rawData, 'X509 CRL') // OpenSSL's name for it.
  }

  async #sign(
    subject: string,
    valid: Lifetime,
    usage: x509.ExtendedKeyUsage,
    extensions: readonly x509.Extension[],
  ): Promise<Signed> {
    const keys = await makeKeys()
    this.#serial++
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: (0x10_00 + this.#serial).toString(16),
      subject,
      issuer: this.certificate.subject,
      notBefore: valid.from,
      notAfter: valid.to,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(this.certificate, false),
        ...extensions,
      ],
    })
    return { certificate, keys }
  }
}

const makeKeys = (): Promise<KeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<KeyPair>

/** `name`.crt and `name`.key in `folder`; the key for its owner alone. */
export async function writePair(folder: string, name: string, { certificate, keys }: Signed): Promise<void> {
  writeFileSync(join(folder, `${name}.crt`), `${certificate.toString('pem')}\n`)
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  writeFileSync(join(folder, `${name}.key`), `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`, {
    mode: 0o600,
  })
}

/** All there is, in one folder: ca, server, client, expired and revoked, and ca.crl. */
export async function makeCertificates(folder: string): Promise<DevelopmentCa> {
  mkdirSync(folder, { recursive: true })
  const ca = await DevelopmentCa.create()
  writeFileSync(join(folder, 'ca.crt'), `${ca.certificate.toString('pem')}\n`)
  await writePair(folder, 'server', await ca.server({ dns: ['localhost'], ip: ['127.0.0.1', '::1'] }))
  await writePair(folder, 'client', await ca.client('CN=client,O=godwit development'))
  await writePair(folder, 'expired', await ca.client('CN=expired,O=godwit development', past))
  const revoked = await ca.client('CN=revoked,O=godwit development')
  await writePair(folder, 'revoked', revoked)
  writeFileSync(join(folder, 'ca.crl'), `${await ca.revocationList([revoked])}\n`)
  return ca
}
