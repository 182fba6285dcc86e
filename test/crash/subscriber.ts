// One of those that receive, with a session that lives on while the broker is killed, also on its own side: the packet
// ids of QoS 2 messages that it has and that were not released, so that it tells a repeat from news as a correct
// client does. It counts what an application would see. Driven by trial.ts.
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { WireClient } from '../integration/wire-client.ts'

/** Its acknowledgements leave together, a little late, so that a kill finds messages in flight. */
const ACKNOWLEDGE_AFTER_MS = 2

export interface SubscriberOptions {
  readonly name: string
  readonly topicFilter: string
  readonly qos: 1 | 2
  readonly version: 4 | 5
}

/** What came from one publisher. */
class Received {
  readonly sequences = new Set<number>()
  last = 0
}

export class Subscriber {
  readonly options: SubscriberOptions
  /** Messages that the application saw twice: QoS 1 may, QoS 2 must not. */
  again = 0
  twice = 0
  /** Messages whose first appearance came after that of a later one of the same topic. */
  disordered = 0
  lastArrivalAt = 0
  #client: WireClient | undefined
  #isSubscribed = false
  readonly #byTopic = new Map<string, Received>()
  readonly #unreleased = new Set<number>()
  #owed: Packet[] = []

  constructor(options: SubscriberOptions) {
    this.options = options
  }

  /** Resolves with whether the broker still had the session. Subscribes the first time only. */
  async connect(port: number): Promise<boolean> {
    const { name, version, topicFilter, qos } = this.options
    const client = await WireClient.connect(port, {
      clientId: `subscriber-${name}`,
      protocolVersion: version,
      clean: false,
      ...(version === 5 && { properties: { sessionExpiryInterval: 3_600 } }),
    })
    this.#client = client
    this.#owed = []
    if (!this.#isSubscribed) {
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: topicFilter, qos }] })
      await client.receive('suback')
      this.#isSubscribed = true
    }
    this.lastArrivalAt = performance.now()
    client.handle((packet) => this.#take(client, packet))
    return client.connack.sessionPresent
  }

  /** The broker has gone, and maybe with it what we were about to answer. */
  async lost(): Promise<void> {
    await this.#client?.closed
    this.#client = undefined
  }

  /** Answers what it has, and leaves. */
  async end(): Promise<void> {
    const client = this.#client
    if (client === undefined) return
    this.#answer(client)
    this.#client = undefined
    await client.end()
  }

  matches(topicName: string): boolean {
    const { topicFilter } = this.options
    return topicFilter === topicName || topicFilter === 'kill/#'
  }

  has(topicName: string, sequence: number): boolean {
    return this.#byTopic.get(topicName)?.sequences.has(sequence) === true
  }

  #take(client: WireClient, packet: Packet): void {
    this.lastArrivalAt = performance.now()
    const { messageId = 0 } = packet
    if (packet.cmd === 'publish') {
      if (packet.qos === 1 || !this.#unreleased.has(messageId)) this.#show(packet)
      if (packet.qos === 2) this.#unreleased.add(messageId)
      this.#owe(client, { cmd: packet.qos === 2 ? 'pubrec' : 'puback', messageId })
    } else if (packet.cmd === 'pubrel') {
      this.#unreleased.delete(messageId)
      this.#owe(client, { cmd: 'pubcomp', messageId })
    }
  }

  /** To the application. */
  #show({ topic, payload, qos }: IPublishPacket): void {
    const sequence = Number(payload.toString())
    const received = this.#byTopic.get(topic) ?? new Received()
    this.#byTopic.set(topic, received)
    if (received.sequences.has(sequence)) {
      if (qos === 2) this.twice++
      else this.again++
      return
    }
    received.sequences.add(sequence)
    if (sequence < received.last) this.disordered++
    received.last = Math.max(received.last, sequence)
  }

  #owe(client: WireClient, packet: Packet): void {
    this.#owed.push(packet)
    if (this.#owed.length === 1) setTimeout(() => this.#answer(client), ACKNOWLEDGE_AFTER_MS)
  }

  #answer(client: WireClient): void {
    if (client !== this.#client) return
    for (const packet of this.#owed.splice(0)) client.send(packet)
  }
}
