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

interface Sighting {
  readonly arrivedAt: number
  /** When its packet id was released, so that a repeat could not be told from news any more. */
  forgottenAt: number
}

/** What came from one publisher. */
class Received {
  readonly sightings = new Map<number, Sighting>()
  last = 0
}

/** A QoS 2 message whose packet id has not been released. */
interface Unreleased {
  readonly topic: string
  readonly sequence: number
}

export class Subscriber {
  readonly options: SubscriberOptions
  /** Messages that the application saw twice: QoS 1 may, QoS 2 must not. */
  again = 0
  twice = 0
  /** QoS 2 messages seen twice that were released so shortly before a power cut that the disk may not have known. */
  twiceForgiven = 0
  /** Messages whose first appearance came after that of a later one of the same topic. */
  disordered = 0
  /** Messages under the packet id of another one that was not released: who gets them must take them for repeats. */
  swallowed = 0
  lastArrivalAt = 0
  #client: WireClient | undefined
  #isSubscribed = false
  readonly #byTopic = new Map<string, Received>()
  readonly #unreleased = new Map<number, Unreleased>()
  #crash = { keptUntil: Number.POSITIVE_INFINITY, at: 0 }
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
  async lost(keptUntil: number): Promise<void> {
    await this.#client?.closed
    this.#client = undefined
    this.#crash = { keptUntil, at: performance.now() }
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
    return (
      topicFilter === topicName ||
      (topicFilter.endsWith('/#') && topicName.startsWith(topicFilter.slice(0, -1)))
    )
  }

  has(topicName: string, sequence: number): boolean {
    return this.arrivedAt(topicName, sequence) !== undefined
  }

  /** The first time. */
  arrivedAt(topicName: string, sequence: number): number | undefined {
    return this.#byTopic.get(topicName)?.sightings.get(sequence)?.arrivedAt
  }

  #take(client: WireClient, packet: Packet): void {
    this.lastArrivalAt = performance.now()
    const { messageId = 0 } = packet
    if (packet.cmd === 'publish') {
      if (packet.qos === 2) this.#takeOnce(packet, messageId)
      else this.#show(packet)
      this.#owe(client, { cmd: packet.qos === 2 ? 'pubrec' : 'puback', messageId })
    } else if (packet.cmd === 'pubrel') {
      this.#forget(messageId)
      this.#owe(client, { cmd: 'pubcomp', messageId })
    }
  }

  #takeOnce(packet: IPublishPacket, messageId: number): void {
    const { topic } = packet
    const sequence = sequenceOf(packet)
    const unreleased = this.#unreleased.get(messageId)
    if (unreleased === undefined) {
      this.#show(packet)
      this.#unreleased.set(messageId, { topic, sequence })
    } else if (unreleased.topic !== topic || unreleased.sequence !== sequence) this.swallowed++
  }

  #forget(messageId: number): void {
    const released = this.#unreleased.get(messageId)
    if (released === undefined) return
    this.#unreleased.delete(messageId)
    const sighting = this.#byTopic.get(released.topic)?.sightings.get(released.sequence)
    if (sighting !== undefined) sighting.forgottenAt = performance.now()
  }

  /** To the application. */
  #show(packet: IPublishPacket): void {
    const { topic, qos } = packet
    const sequence = sequenceOf(packet)
    const received = this.#byTopic.get(topic) ?? new Received()
    this.#byTopic.set(topic, received)
    const sighting = received.sightings.get(sequence)
    if (sighting === undefined) {
      received.sightings.set(sequence, {
        arrivedAt: performance.now(),
        forgottenAt: Number.POSITIVE_INFINITY,
      })
      if (sequence < received.last) this.disordered++
      received.last = Math.max(received.last, sequence)
    } else if (qos === 1) this.again++
    else if (this.#isForgiven(sighting)) this.twiceForgiven++
    else this.twice++
  }

  #isForgiven({ forgottenAt }: Sighting): boolean {
    return forgottenAt > this.#crash.keptUntil && forgottenAt < this.#crash.at
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

const sequenceOf = ({ payload }: IPublishPacket): number => Number.parseInt(payload.toString(), 10)
