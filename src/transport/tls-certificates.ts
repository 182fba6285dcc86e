// Certificates: which of ours a client is shown, by the server name that it asks for, and what its own says of it.
import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import type { PeerCertificate } from '../base/peer-facts.ts'
import type { ServerCertificate } from './tls-files.ts'

const DAY_MS = 86_400_000

interface Named {
  readonly leaf: X509Certificate
  readonly context: SecureContext
}

export class ServerNames {
  /** Of the first certificate, or of none. */
  readonly first: SecureContextOptions
  readonly #named: readonly Named[]

  /** Throws what OpenSSL throws. */
  constructor(certificates: readonly ServerCertificate[], shared: SecureContextOptions) {
    const [first] = certificates
    this.first = first === undefined ? shared : { ...shared, cert: first.chain, key: first.key }
    createSecureContext(this.first)
    this.#named = certificates.map(({ leaf, chain, key }) => ({
      leaf,
      context: createSecureContext({ ...shared, cert: chain, key }),
    }))
  }

  /** Undefined: the first serves. */
  contextFor(serverName: string): SecureContext | undefined {
    return this.#named.find(({ leaf }) => isFor(leaf, serverName))?.context
  }
}

/** By the names that it is for, wildcards among them; the subject does not count as one. */
function isFor(leaf: X509Certificate, serverName: string): boolean {
  try {
    return leaf.checkHost(serverName, { subject: 'never' }) !== undefined
  } catch {
    return false // A client may send what is no name.
  }
}

/** Whole days, negative once it has expired. */
export const daysLeft = ({ validTo }: X509Certificate, now: number): number =>
  Math.floor((Date.parse(validTo) - now) / DAY_MS)

/** Of the certificate that a client has shown; undefined: none. */
export function certificateFacts(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const commonNames = certificate.subject.split('\n').filter((line) => line.startsWith('CN='))
  const { CN } = certificate.toLegacyObject().subject ?? {}
  return {
    commonName: commonNames.length === 1 && typeof CN === 'string' && CN !== '' ? CN : undefined,
    // Node has an attribute a line, in the order of the certificate.
    subject: certificate.subject.split('\n').reverse().join(',').replaceAll(' + ', '+'),
  }
}
