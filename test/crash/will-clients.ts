// Clients with wills around one kill: some are connected when it comes, some have gone without a word before it, some
// have said goodbye. A will is published once, after its delay, or never; a subscriber of the trial takes them.
//
//   connected   published when the broker is back and the delay is over
//   gone        published once, by the broker that is killed or by the one after it
//   farewell    never
import { WireClient } from '../integration/wire-client.ts'
import type { Subscriber } from './subscriber.ts'

const FATES = ['connected', 'gone', 'farewell'] as const
type Fate = (typeof FATES)[number]

/** Will delay intervals are for 5.0 alone. */
const TERMS = [
  { version: 4, qos: 2, delaySeconds: 0 },
  { version: 4, qos: 1, delaySeconds: 0 },
  { version: 5, qos: 2, delaySeconds: 0 },
  { version: 5, qos: 2, delaySeconds: 1 },
] as const
type Terms = (typeof TERMS)[number]

interface WillClient {
  readonly topicName: string
  readonly fate: Fate
  readonly terms: Terms
  readonly client: WireClient
}

export interface WillCounts {
  /** Of those whose will was to come. */
  readonly due: number
  readonly lost: number
  /** Of clients that had said goodbye. */
  readonly uninvited: number
  /** Before their delay was over. */
  readonly early: number
}

export class WillClients {
  readonly #prefix: string
  readonly #all: WillClient[] = []

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  async join(port: number): Promise<void> {
    for (const fate of FATES) {
      for (const terms of TERMS) {
        const clientId = `${this.#prefix}-${this.#all.length}`
        const topicName = `wills/${clientId}`
        const client = await joinAs(port, clientId, terms)
        this.#all.push({ topicName, fate, terms, client })
      }
    }
  }

  /** Those that do not stay until the kill. */
  async leave(): Promise<void> {
    for (const { fate, client } of this.#all) {
      if (fate === 'gone') client.destroy()
      if (fate === 'farewell') await client.end()
    }
  }

  haveAllCome(subscriber: Subscriber): boolean {
    return this.#all.every(({ topicName, fate }) => fate === 'farewell' || subscriber.has(topicName, 1))
  }

  /** `restartedAt`: before the first broker after the kill was started. */
  count(subscriber: Subscriber, restartedAt: number): WillCounts {
    const due = this.#all.filter(({ fate }) => fate !== 'farewell')
    const isEarly = ({ topicName, fate, terms }: WillClient): boolean =>
      fate === 'connected' &&
      (subscriber.arrivedAt(topicName, 1) ?? Number.POSITIVE_INFINITY) <
        restartedAt + terms.delaySeconds * 1_000
    return {
      due: due.length,
      lost: due.filter(({ topicName }) => !subscriber.has(topicName, 1)).length,
      uninvited: this.#all.filter(
        ({ topicName, fate }) => fate === 'farewell' && subscriber.has(topicName, 1),
      ).length,
      early: due.filter(isEarly).length,
    }
  }
}

function joinAs(port: number, clientId: string, { version, qos, delaySeconds }: Terms): Promise<WireClient> {
  const will = { topic: `wills/${clientId}`, payload: Buffer.from('1'), qos, retain: false }
  return WireClient.connect(port, {
    clientId,
    protocolVersion: version,
    clean: false,
    ...(version === 5 && { properties: { sessionExpiryInterval: 60 } }),
    will: { ...will, ...(version === 5 && { properties: { willDelayInterval: delaySeconds } }) },
  })
}
