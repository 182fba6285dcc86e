// The keys that tokens are signed with, and the algorithms that go with each kind. A token chooses neither: with a
// public key no token passes that was signed with HMAC, whatever it says of itself. Asked by tokens.ts.
//
//   secretFile   HS256 HS384 HS512
//   keyFile      a public key or certificate in PEM, a JWK, or a set of them: RS, PS, ES, EdDSA
//   jwksUrl      a set of them behind an address: fetched, kept, and fetched anew for a key that is not in it
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { Breaker } from '../base/breaker.ts'
import { GodwitError } from '../base/errors.ts'
import { fetchBounded, isHttpUrl, reasonOf } from '../base/fetch-bounded.ts'
import type { FileWatch } from '../base/file-watch.ts'
import type { Config } from '../config/schema.ts'

type Settings = Config['authentication']['jwt']
type Algorithm = Settings['algorithms'][number]

export interface TokenKeys {
  readonly algorithms: readonly Algorithm[]
  /** For the header of a token; what it throws that is not of jose means that keys cannot be had just now. */
  readonly keyFor: JWTVerifyGetKey
}

const HMAC = ['HS256', 'HS384', 'HS512'] as const
const PUBLIC = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as readonly Algorithm[]
const SECRET_BYTES_MIN = 32
const RSA_BITS_MIN = 2_048
const JWKS_BYTES_MAX = 1_048_576
const REFETCH_AFTER_MS = 30_000

/** `now` in milliseconds since the epoch. Undefined: no key is configured. Rejects with ERR_GODWIT_CONFIG_*. */
export async function tokenKeys(
  settings: Settings,
  files: FileWatch,
  now: () => number,
): Promise<TokenKeys | undefined> {
  const { secretFile, keyFile, jwksUrl } = settings
  const named = [secretFile, keyFile, jwksUrl].filter((name) => name !== '')
  if (named.length === 0) return undefined
  if (named.length > 1) throw invalid('it takes one of secretFile, keyFile and jwksUrl')
  const possible: readonly Algorithm[] = secretFile === '' ? PUBLIC : HMAC
  const algorithms = settings.algorithms.length === 0 ? possible : settings.algorithms
  const odd = algorithms.find((algorithm) => !possible.includes(algorithm))
  if (odd !== undefined) throw invalid(`the algorithm ${odd} does not go with this kind of key`)
  if (jwksUrl !== '') return { algorithms, keyFor: remoteKeys(settings, now) }
  const [option, path] = secretFile === '' ? ['keyFile', keyFile] : ['secretFile', secretFile]
  const load = ([content]: readonly Buffer[]): JWTVerifyGetKey =>
    secretFile === '' ? publicKeys(content as Buffer, path) : secret(content as Buffer, path)
  const isSecret = secretFile !== ''
  const watched = await files.watch({ option: `authentication.jwt.${option}`, paths: [path], isSecret, load })
  return { algorithms, keyFor: (header, token) => watched.value(header, token) }
}

const invalid = (text: string): GodwitError =>
  new GodwitError('ERR_GODWIT_CONFIG_INVALID', `authentication.jwt: ${text}`)

const invalidFile = (path: string, text: string): GodwitError =>
  new GodwitError('ERR_GODWIT_CONFIG_INVALID', `${path}: ${text}`)

/** All bytes of the file, without the line end behind them. */
function secret(content: Buffer, path: string): JWTVerifyGetKey {
  const text = content.toString('latin1').replace(/\r?\n$/, '')
  if (text.includes('-----BEGIN ')) throw invalidFile(path, 'a key in PEM is not a secret: see keyFile')
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < SECRET_BYTES_MIN)
    throw invalidFile(path, `the secret has fewer than ${SECRET_BYTES_MIN} bytes`)
  return async () => bytes
}

function publicKeys(content: Buffer, path: string): JWTVerifyGetKey {
  const text = content.toString()
  if (text.includes('PRIVATE KEY')) throw invalidFile(path, 'a private key: the public one is enough here')
  if (!text.includes('-----BEGIN ')) return keySet(text, path)
  const key = pemKey(text, path)
  if (!isStrong(key)) throw invalidFile(path, `the key has fewer than ${RSA_BITS_MIN} bits`)
  return async () => key
}

function pemKey(text: string, path: string): KeyObject {
  try {
    return createPublicKey(text)
  } catch {
    throw invalidFile(path, 'no public key and no certificate in PEM')
  }
}

const isStrong = ({ asymmetricKeyDetails }: KeyObject): boolean =>
  (asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN) >= RSA_BITS_MIN

function keySet(text: string, path: string): JWTVerifyGetKey {
  try {
    const value = JSON.parse(text)
    const set: JSONWebKeySet = Array.isArray(value.keys) ? value : { keys: [value] }
    const isPublic = set.keys.length > 0 && set.keys.every(({ kty, d }) => kty !== 'oct' && d === undefined)
    if (isPublic) return createLocalJWKSet(set)
  } catch {
    // Told below, with the set that has something else in it.
  }
  throw invalidFile(path, 'neither PEM nor a JWK or a set of them with public keys alone')
}

/** Which a server keeps: a key that is not in it is asked for again, but no sooner than half a minute later. */
function remoteKeys(settings: Settings, now: () => number): JWTVerifyGetKey {
  const { jwksUrl, jwksCacheSeconds, timeoutMs } = settings
  if (!isHttpUrl(jwksUrl)) throw invalid('jwksUrl is no address of http or https')
  const breaker = new Breaker(now)
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: timeoutMs,
    cooldownDuration: REFETCH_AFTER_MS,
    cacheMaxAge: jwksCacheSeconds * 1000,
    [customFetch]: async (url, options) => {
      const request = { ...options, redirect: 'error' } as const
      return new Response(await breaker.ask(() => fetchBounded(url, request, JWKS_BYTES_MAX)))
    },
  })
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (cause) {
      const { JWKSNoMatchingKey, JWKSMultipleMatchingKeys } = errors
      if (cause instanceof JWKSNoMatchingKey || cause instanceof JWKSMultipleMatchingKeys) throw cause
      throw new KeysUnavailable(cause)
    }
  }
}

/** The keys cannot be had just now: nobody's fault who shows a token. */
export class KeysUnavailable extends Error {
  constructor(cause: unknown) {
    super(`keys cannot be fetched: ${reasonOf(cause)}`, { cause })
  }
}
