// Who takes part in a trial: ten publishers and the persistent subscribers of their topics, and what these miss.
// Driven by trial.ts.
import { setTimeout as delay } from 'node:timers/promises'
import { WireClient } from '../integration/wire-client.ts'
import { Publisher } from './publisher.ts'
import type { Mode } from './round-result.ts'
import { Subscriber, type SubscriberOptions } from './subscriber.ts'

const PUBLISHERS = 10
/** Who has not received a thing for so long will not receive it any more, also from a machine that is short of CPU. */
export const SILENCE_MS = 10_000
/** The one that is offline during the traffic, whatever the mode. */
const ALWAYS_OFFLINE = 'all-offline'

export interface Missing {
  /** Acknowledged before the last crash. */
  readonly lost: number
  readonly lostAfterwards: number
  readonly forgiven: number
  /** When the oldest of those was acknowledged; Infinity: there is none. */
  readonly oldestForgivenAt: number
}

/** Over all rounds and subscribers so far; see Subscriber. */
export interface Counted {
  readonly twice: number
  readonly twiceForgiven: number
  readonly disordered: number
  readonly swallowed: number
  readonly again: number
}

export class Population {
  readonly publishers: readonly Publisher[]
  readonly subscribers: readonly Subscriber[]
  /** Of those, the one that takes the wills. */
  readonly willTaker: Subscriber
  readonly #mode: Mode

  constructor(mode: Mode) {
    this.#mode = mode
    this.publishers = Array.from(
      { length: PUBLISHERS },
      (_, i) =>
        new Publisher({
          name: String(i),
          qos: i % 2 === 0 ? 1 : 2,
          version: i % 4 < 2 ? 4 : 5,
          takesLowestPacketId: i < PUBLISHERS / 2,
        }),
    )
    this.willTaker = new Subscriber({ name: 'wills', topicFilter: 'wills/#', qos: 2, version: 5 })
    this.subscribers = [...subscribersOf(this.publishers).map((each) => new Subscriber(each)), this.willTaker]
  }

  get all(): readonly (Publisher | Subscriber)[] {
    return [...this.publishers, ...this.subscribers]
  }

  get offline(): Subscriber[] {
    return this.subscribers.filter((each) => this.#isOffline(each))
  }

  get online(): Subscriber[] {
    return this.subscribers.filter((each) => !this.#isOffline(each))
  }

  #isOffline({ options: { name } }: Subscriber): boolean {
    return this.#mode === 'offline' || name === ALWAYS_OFFLINE
  }

  get acknowledged(): number {
    return sum(this.publishers, (publisher) => publisher.acknowledged)
  }

  get sent(): number {
    return sum(this.publishers, (publisher) => publisher.sent)
  }

  get lastArrivalAt(): number {
    return Math.max(...this.subscribers.map((subscriber) => subscriber.lastArrivalAt))
  }

  /** Of each publisher's messages after the sequence in `before`, all of which are acknowledged by now. */
  missing(before: readonly number[]): Missing {
    let lost = 0
    let lostAfterwards = 0
    const forgivenAt: number[] = []
    for (const subscriber of this.subscribers) {
      for (const { publisher, sequence } of this.#missedBy(subscriber, before)) {
        const at = publisher.forgivenAt(sequence)
        if (at !== undefined) forgivenAt.push(at)
        else if (publisher.wasAcknowledgedBefore(sequence)) lost++
        else lostAfterwards++
      }
    }
    return { lost, lostAfterwards, forgiven: forgivenAt.length, oldestForgivenAt: Math.min(...forgivenAt) }
  }

  *#missedBy(subscriber: Subscriber, before: readonly number[]) {
    for (const [i, publisher] of this.publishers.entries()) {
      const { topicName, sent } = publisher
      if (!subscriber.matches(topicName)) continue
      for (let sequence = (before[i] as number) + 1; sequence <= sent; sequence++) {
        if (!Publisher.isRetained(sequence) && !subscriber.has(topicName, sequence))
          yield { publisher, sequence }
      }
    }
  }

  /** Subscribers of the publishers' topics that have nothing of what came after the sequence in `before`. */
  deaf(before: readonly number[]): number {
    const hasHeard = (subscriber: Subscriber): boolean =>
      this.publishers.some(({ topicName, sent }, i) => {
        for (let sequence = (before[i] as number) + 1; sequence <= sent; sequence++) {
          if (subscriber.has(topicName, sequence)) return true
        }
        return false
      })
    return this.subscribers.filter((each) => each !== this.willTaker && !hasHeard(each)).length
  }

  /** Publishers whose last retained message that must be there, or a later one, is not. */
  async retainedLost(port: number, silenceMs: number): Promise<number> {
    const client = await WireClient.connect(port, { clientId: 'reader', protocolVersion: 4, clean: true })
    const found = new Map<string, number>()
    const isLost = ({ options: { name }, retainedOwed }: Publisher): boolean =>
      (found.get(`kept/${name}`) ?? 0) < retainedOwed
    const lost = (): number => this.publishers.filter(isLost).length
    const areThere = new Promise<void>((resolve) => {
      client.handle((packet) => {
        if (packet.cmd === 'publish') found.set(packet.topic, Number.parseInt(packet.payload.toString(), 10))
        if (lost() === 0) resolve()
      })
    })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'kept/+', qos: 0 }] })
    await Promise.race([areThere, delay(silenceMs, undefined, { ref: false })])
    await client.end()
    return lost()
  }

  counted(): Counted {
    const { subscribers } = this
    return {
      twice: sum(subscribers, (subscriber) => subscriber.twice),
      twiceForgiven: sum(subscribers, (subscriber) => subscriber.twiceForgiven),
      disordered: sum(subscribers, (subscriber) => subscriber.disordered),
      swallowed: sum(subscribers, (subscriber) => subscriber.swallowed),
      again: sum(subscribers, (subscriber) => subscriber.again),
    }
  }
}

/** One for each publisher, and three for all: their messages have several recipients, and one body on disk. */
function subscribersOf(publishers: readonly Publisher[]): SubscriberOptions[] {
  const own = publishers.map(({ options: { name }, topicName }, i): SubscriberOptions => {
    return { name, topicFilter: topicName, qos: 2, version: i % 2 === 0 ? 5 : 4 }
  })
  return [
    ...own,
    { name: 'all', topicFilter: 'kill/#', qos: 2, version: 5 },
    { name: 'all-qos1', topicFilter: 'kill/#', qos: 1, version: 4 },
    { name: ALWAYS_OFFLINE, topicFilter: 'kill/#', qos: 2, version: 4 },
  ]
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
