// Asks a service over HTTP what a client may do.
//
//   POST { clientid, username, peerhost, listener, action: "publish" | "subscribe", topic, qos?, retain? }
//   200  { "result": "allow" | "deny" | "ignore" }
//
// `topic` of a subscription is its topic filter, without the share prefix. The names are those that services for EMQX
// know.
import { Breaker } from '../base/breaker.ts'
import { GodwitError } from '../base/errors.ts'
import { isHttpUrl, type JsonService, postJson, reasonOf } from '../base/fetch-bounded.ts'
import { Places } from '../base/places.ts'
import type { Config } from '../config/schema.ts'
import type { AskedClient, Authorizer, Opinion } from './authorizer.ts'

type Settings = Pick<Config['authorization'], 'http' | 'timeoutMs'>

/** `now` in milliseconds since the epoch. Throws ERR_GODWIT_CONFIG_INVALID for what is no address. */
export function httpAuthorizer(settings: Settings, now: () => number): Authorizer {
  if (!isHttpUrl(settings.http.url)) {
    const text = 'authorization.http.url is no address of http or https'
    throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', text)
  }
  const service = new Service(settings, now)
  return {
    authorizePublish: (client, { topicName: topic, qos, retain }) =>
      service.ask(client, { action: 'publish', topic, qos, retain }),
    authorizeSubscribe: (client, { topicFilter: topic }) =>
      service.ask(client, { action: 'subscribe', topic }),
  }
}

class Service {
  readonly #settings: JsonService
  readonly #breaker: Breaker
  readonly #places: Places

  constructor({ http, timeoutMs }: Settings, now: () => number) {
    this.#settings = { ...http, timeoutMs }
    this.#breaker = new Breaker(now)
    this.#places = new Places(http.requestsAtOnceMax)
  }

  /** Rejects with text for the log. */
  async ask(client: AskedClient, question: Readonly<Record<string, unknown>>): Promise<Opinion> {
    await new Promise<void>((resolve) => this.#places.take({ begin: resolve }))
    try {
      const body = JSON.stringify({ ...namesOf(client), ...question })
      return await this.#breaker.ask(async () => opinionFrom(await postJson(this.#settings, body)))
    } catch (error) {
      throw new Error(`authorization.http: ${reasonOf(error)}`)
    } finally {
      this.#places.giveBack()
    }
  }
}

const namesOf = ({ clientId, identity, peer }: AskedClient): Readonly<Record<string, unknown>> => ({
  clientid: clientId,
  username: identity === '' ? undefined : identity,
  peerhost: peer?.host,
  listener: peer?.listenerName,
})

function opinionFrom(answer: unknown): Opinion {
  const { result } = (answer ?? {}) as { readonly result?: unknown }
  if (result === 'allow') return true
  if (result === 'deny') return false
  if (result === 'ignore') return undefined
  throw new Error('its answer has no result')
}
