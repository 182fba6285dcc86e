// What TLS reads from files: certificates, keys, CA, revocation lists, pre-shared keys. Read and checked as a whole, at
// the start and whenever one of them has changed; tls.ts makes use of it.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { GodwitError } from '../base/errors.ts'
import type { ListenerConfig } from '../config/schema.ts'

export type TlsConfig = ListenerConfig['tls']

export interface ServerCertificate {
  readonly file: string
  /** PEM: its own first, then those that signed it. */
  readonly chain: Buffer
  readonly key: Buffer
  readonly leaf: X509Certificate
}

export interface TlsFiles {
  /** The first is for those who ask for no server name, or for one that nobody has. None with pre-shared keys. */
  readonly certificates: readonly ServerCertificate[]
  readonly ca: Buffer | undefined
  readonly crl: Buffer | undefined
  /** Pre-shared keys by identity. */
  readonly pskKeys: ReadonlyMap<string, Buffer> | undefined
  /** Files with secrets in them that others than their owner and group can read. */
  readonly openToAll: readonly string[]
}

const PSK_BYTES_MAX = 256
const PSK_IDENTITY_BYTES_MAX = 128
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const PEM_CRL = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/

/** All that `tls` names. */
export function tlsFileNames(tls: TlsConfig): string[] {
  const further = tls.certificates.flatMap(({ certificate, key }) => [certificate, key])
  return [tls.certificate, tls.key, ...further, tls.ca, tls.crl, tls.pskFile].filter((file) => file !== '')
}

/** Throws ERR_GODWIT_TLS_*, naming the file. */
export function readTlsFiles(tls: TlsConfig): TlsFiles {
  const pairs = tls.certificate === '' ? [] : [tls, ...tls.certificates]
  return {
    certificates: pairs.map(({ certificate, key }) => readCertificate(certificate, key)),
    ca: tls.ca === '' ? undefined : readCa(tls.ca),
    crl: tls.crl === '' ? undefined : readCrl(tls.crl),
    pskKeys: tls.pskFile === '' ? undefined : readPskKeys(tls.pskFile),
    openToAll: [...pairs.map(({ key }) => key), tls.pskFile].filter(
      (file) => file !== '' && isOpenToAll(file),
    ),
  }
}

const isOpenToAll = (file: string): boolean => (statSync(file).mode & 0o007) !== 0

function readCertificate(file: string, keyFile: string): ServerCertificate {
  const chain = readFile(file)
  const [leaf] = certificatesIn(file, chain)
  const key = readFile(keyFile)
  const privateKey = attempt(keyFile, 'is no private key', () => createPrivateKey(key))
  if (leaf === undefined || !leaf.checkPrivateKey(privateKey)) {
    throw new GodwitError('ERR_GODWIT_TLS_MISMATCH', `${keyFile} is not the private key of ${file}`)
  }
  return { file, chain, key, leaf }
}

function readCa(file: string): Buffer {
  const bytes = readFile(file)
  certificatesIn(file, bytes)
  return bytes
}

function readCrl(file: string): Buffer {
  const bytes = readFile(file)
  if (!PEM_CRL.test(bytes.toString('latin1'))) throw invalid(file, 'holds no revocation list (PEM)')
  return bytes
}

function certificatesIn(file: string, bytes: Buffer): X509Certificate[] {
  const found = bytes.toString('latin1').match(PEM_CERTIFICATE)
  if (found === null) throw invalid(file, 'holds no certificate (PEM)')
  return found.map((pem) => attempt(file, 'holds a broken certificate', () => new X509Certificate(pem)))
}

/** A line each: identity:hexkey, as in Mosquitto; empty lines and those with # at their beginning are skipped. */
function readPskKeys(file: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>()
  for (const [index, line] of readFile(file).toString().split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue
    const [, identity = '', hex = ''] = /^([^:]+):((?:[\da-f]{2})+)$/i.exec(line) ?? []
    const isInBounds =
      Buffer.byteLength(identity) <= PSK_IDENTITY_BYTES_MAX && hex.length / 2 <= PSK_BYTES_MAX
    if (identity === '' || !isInBounds) throw invalid(`${file}:${index + 1}`, 'is not identity:hexkey')
    if (keys.has(identity)) throw invalid(`${file}:${index + 1}`, 'has an identity that is there already')
    keys.set(identity, Buffer.from(hex, 'hex'))
  }
  if (keys.size === 0) throw invalid(file, 'holds no keys')
  return keys
}

function readFile(file: string): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new GodwitError('ERR_GODWIT_TLS_UNREADABLE', `cannot read ${file}: ${why}`, { cause })
  }
  if (bytes.toString('latin1').trim() === '') {
    throw new GodwitError('ERR_GODWIT_TLS_UNREADABLE', `cannot read ${file}: it is empty`)
  }
  return bytes
}

function attempt<Result>(file: string, what: string, work: () => Result): Result {
  try {
    return work()
  } catch (cause) {
    throw invalid(file, `${what}: ${(cause as Error).message}`, cause)
  }
}

const invalid = (file: string, what: string, cause?: unknown): GodwitError =>
  new GodwitError('ERR_GODWIT_TLS_INVALID', `${file} ${what}`, { cause })
