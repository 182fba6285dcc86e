// Asks a service over HTTP who a client is: what CONNECT says goes there in JSON, and its answer is the verdict.
//
//   POST { clientid, username, password, peerhost, proto_ver, listener, cert_common_name, cert_subject }
//   200  { "result": "allow" | "deny" | "ignore", "username"?, "clientid"?, "acl"?, "expire_at"? }
//
// A service that does not answer so lets nobody in: Server unavailable. When it has failed several times in a row it is
// left alone for a while. The names are those that services for EMQX know.
import { isUtf8 } from 'node:buffer'
import { createHmac, randomBytes } from 'node:crypto'
import { BoundedMap } from '../base/bounded-map.ts'
import { Breaker } from '../base/breaker.ts'
import { GodwitError } from '../base/errors.ts'
import { isHttpUrl, postJson, reasonOf } from '../base/fetch-bounded.ts'
import type { Config } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Admission, Authenticator, Verdict } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'
import { rightsFrom } from './rights.ts'

type Settings = Config['authentication']['http']

const CACHED_MAX = 10_000

interface Cached {
  readonly admission: Admission
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** `now` in milliseconds since the epoch. Throws ERR_GODWIT_CONFIG_INVALID for what is no address. */
export function httpAuthenticator(settings: Settings, now: () => number): Authenticator {
  const { url } = settings
  if (!isHttpUrl(url)) {
    const text = 'authentication.http.url is no address of http or https'
    throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', text)
  }
  const service = new Service(settings, now)
  return { name: 'http', authenticate: (client) => service.verdictOf(client) }
}

class Service {
  readonly #settings: Settings
  readonly #now: () => number
  readonly #cached = new BoundedMap<string, Cached>(CACHED_MAX)
  /** What was asked is kept as its hash under it, not as it is: there are passwords in it. */
  readonly #key = randomBytes(32)
  readonly #breaker: Breaker

  constructor(settings: Settings, now: () => number) {
    this.#settings = settings
    this.#now = now
    this.#breaker = new Breaker(now)
  }

  async verdictOf(client: AuthenticatingClient): Promise<Verdict> {
    const { password } = client
    if (password !== undefined && !isUtf8(password)) {
      return {
        kind: 'refuse',
        reasonCode: ReasonCode.BadUserNameOrPassword,
        why: 'the password is not UTF-8',
      }
    }
    const question = questionOf(client)
    const key = createHmac('sha256', this.#key).update(question).digest('base64')
    const cached = this.#cached.get(key)
    if (cached !== undefined && cached.until > this.#now()) return cached.admission
    const verdict = await this.#ask(question, client)
    if (verdict.kind === 'accept') this.#keep(key, verdict)
    return verdict
  }

  #keep(key: string, admission: Admission): void {
    const until = Math.min(this.#now() + this.#settings.cacheSeconds * 1000, admission.expiresAt ?? Infinity)
    if (this.#settings.cacheSeconds > 0) this.#cached.set(key, { admission, until })
  }

  async #ask(question: string, client: AuthenticatingClient): Promise<Verdict> {
    try {
      return await this.#breaker.ask(async () =>
        verdictFrom(await postJson(this.#settings, question), client),
      )
    } catch (error) {
      return { kind: 'refuse', reasonCode: ReasonCode.ServerUnavailable, why: reasonOf(error) }
    }
  }
}

const questionOf = ({ clientId, userName, password, version, peer }: AuthenticatingClient): string =>
  JSON.stringify({
    clientid: clientId,
    username: userName,
    password: password?.toString(),
    peerhost: peer.host,
    proto_ver: version,
    listener: peer.listenerName,
    cert_common_name: peer.certificate?.commonName,
    cert_subject: peer.certificate?.subject,
  })

/** Throws for what is no answer. */
function verdictFrom(answer: unknown, { userName }: AuthenticatingClient): Verdict {
  if (typeof answer !== 'object' || answer === null) throw new Error('its answer is no JSON object')
  const { result, username, clientid, acl, expire_at } = answer as Readonly<Record<string, unknown>>
  if (result === 'ignore') return { kind: 'ignore' }
  if (result === 'deny') {
    return { kind: 'refuse', reasonCode: ReasonCode.BadUserNameOrPassword, why: 'the service denies it' }
  }
  if (result !== 'allow') throw new Error('its answer has no result')
  const identity = username ?? userName
  if (typeof identity !== 'string' || identity === '')
    throw new Error('it allows somebody who has no user name')
  if (clientid !== undefined && typeof clientid !== 'string') throw new Error('its clientid is no text')
  if (expire_at !== undefined && typeof expire_at !== 'number') throw new Error('its expire_at is no number')
  return {
    kind: 'accept',
    identity,
    clientId: clientid,
    rights: acl === undefined ? undefined : rightsFrom(acl),
    expiresAt: expire_at === undefined ? undefined : expire_at * 1000,
  }
}
