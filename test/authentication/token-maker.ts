// Keys made for the tests, tokens signed with them by jose, and a Tokens that reads its keys from files in a temporary
// folder as a broker does.
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { tokenKeys } from '../../src/authentication/token-keys.ts'
import { Tokens } from '../../src/authentication/tokens.ts'
import { FileWatch } from '../../src/base/file-watch.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

export type JwtInput = NonNullable<NonNullable<ConfigInput['authentication']>['jwt']>

export const SECRET = 'a secret of more than thirty-two bytes, for HMAC'
export const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
export const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const ed = generateKeyPairSync('ed25519')

export const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string
export const jwkOf = (key: KeyObject, more = {}) => ({ ...key.export({ format: 'jwk' }), ...more })

export const clock = new ManualClock()
const seconds = (after: number): number => Math.floor(clock.now() / 1000) + after

export interface TokenOptions {
  readonly alg?: string
  readonly kid?: string
  /** Seconds from now; undefined: none. */
  readonly exp?: number | undefined
  readonly nbf?: number
}

/** Of `ada`, for a minute, unless told otherwise. */
export function tokenOf(
  key: KeyObject | string,
  claims: Record<string, unknown> = {},
  options: TokenOptions = {},
): Promise<string> {
  const { alg = 'HS256', kid, nbf } = options
  const exp = 'exp' in options ? options.exp : 60
  const made = new SignJWT({ sub: 'ada', ...claims }).setProtectedHeader({
    alg,
    ...(kid !== undefined && { kid }),
  })
  if (exp !== undefined) made.setExpirationTime(seconds(exp))
  if (nbf !== undefined) made.setNotBefore(seconds(nbf))
  return made.sign(typeof key === 'string' ? Buffer.from(key) : key)
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** As an attacker makes it, whom no library holds back. */
export function forged(header: object, claims: object, key?: string): string {
  const signed = `${part(header)}.${part({ sub: 'ada', exp: seconds(60), ...claims })}`
  const signature = key === undefined ? '' : createHmac('sha256', key).update(signed).digest('base64url')
  return `${signed}.${signature}`
}

export async function fileOf(content: string): Promise<string> {
  const path = join(await temporaryFolder(), 'key')
  await writeFile(path, content, { mode: 0o600 })
  return path
}

export async function openTokens(input: JwtInput): Promise<Tokens> {
  const files = new FileWatch({ clock, log: pino({ level: 'silent' }) })
  onTestFinished(() => files.close())
  const { jwt } = resolveConfig({ authentication: { jwt: input } }).authentication
  const keys = await tokenKeys(jwt, files, () => clock.now())
  if (keys === undefined) throw new Error('no key is configured')
  return new Tokens(keys, jwt, () => clock.now())
}
