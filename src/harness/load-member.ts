// One client of a group and what the plan has it do: connect, subscribe, publish, receive. Made by generator.ts.
import type { PublishPacket } from '../packet/publish.ts'
import { reasonName } from '../packet/reason-codes.ts'
import { type ClientListener, LoadClient } from './load-client.ts'
import type { LoadContext } from './load-context.ts'
import type { LoadCounter } from './load-figures.ts'
import { LoadPublisher } from './load-publisher.ts'
import { LoadReceiver } from './load-receiver.ts'
import { fillIn, type PlaceholderValues } from './placeholders.ts'
import type { ClientGroup, Target } from './run-plan.ts'

export interface MemberParts {
  readonly context: LoadContext
  readonly counter: LoadCounter
  readonly target: Target
  readonly group: ClientGroup
  /** %i. */
  readonly number: number
  /** In the stamps of what it publishes. */
  readonly publisherNumber: number
  /** Connected and subscribed, or not to be. Called once for each connect. */
  readonly onSettled: () => void
  /** A message of that publisher has come. */
  readonly onArrived: (publisherNumber: number, now: number) => void
}

export class LoadMember implements ClientListener {
  readonly client: LoadClient
  readonly publisher: LoadPublisher | undefined
  readonly #parts: MemberParts
  readonly #values: PlaceholderValues
  readonly #receiver: LoadReceiver
  #connectingSince = 0
  #isSettled = true
  /** Its end is ours. */
  isEnding = false

  constructor(parts: MemberParts) {
    const { context, counter, target, group, number, publisherNumber } = parts
    const { userName, localAddresses } = target
    const clientId = fillIn(group.clientId, { number, clientId: '', userName })
    const localAddress = localAddresses[number % Math.max(1, localAddresses.length)]
    this.#parts = parts
    this.#values = { number, clientId, userName }
    this.client = new LoadClient(context, { ...target, clientId, localAddress }, this)
    const { client } = this
    if (group.publish !== undefined) {
      const topic = fillIn(group.publish.topic, this.#values)
      const seesArrivals = group.isPaired === true
      const plan = { ...group.publish, topic }
      this.publisher = new LoadPublisher({ client, number: publisherNumber, plan, counter, seesArrivals })
    }
    const { onArrived } = parts
    this.#receiver = new LoadReceiver({ counter, isShare: group.isShare === true, onArrived })
  }

  connect(): void {
    this.#isSettled = false
    this.#connectingSince = this.#parts.context.microseconds()
    this.client.connect()
  }

  end(): void {
    this.isEnding = true
    this.client.disconnect()
  }

  /** Without a word. */
  drop(): void {
    this.isEnding = true
    this.client.drop()
  }

  connected(): void {
    const { counter, context, group } = this.#parts
    counter.connected++
    counter.connect.record(context.microseconds() - this.#connectingSince)
    this.isEnding = false
    const { subscribe } = group
    if (subscribe === undefined) return this.#settle()
    const topicFilters = subscribe.topics.map((topic) => fillIn(topic, this.#values))
    this.client.subscribe(topicFilters, subscribe.qos)
  }

  subscribed(reasonCodes: readonly number[]): void {
    const { counter, group } = this.#parts
    for (const reasonCode of reasonCodes) {
      if (reasonCode < 0x80) counter.subscribed++
      else counter.refused(`SUBSCRIBE: ${reasonName(reasonCode)}`)
    }
    if (group.isDeaf === true) this.client.stopReading()
    this.#settle()
  }

  closed(why: string): void {
    if (!this.isEnding) this.#parts.counter.closed(why)
    this.#settle()
  }

  received(packet: PublishPacket, now: number): void {
    this.#receiver.received(packet, now)
  }

  acknowledged(packetId: number, reasonCode: number, now: number): void {
    this.publisher?.acknowledged(packetId, reasonCode, now)
  }

  writable(): void {
    this.publisher?.pump(this.#parts.context.microseconds())
  }

  #settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#parts.onSettled()
  }
}
