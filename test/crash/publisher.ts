// One of those that send while the broker is killed. It keeps what the specification makes a client keep: what is not
// acknowledged, by packet id and in order, and sends it again over the next connection. Driven by trial.ts.
//
//   QoS 1: sent -- PUBACK --> acknowledged
//   QoS 2: sent -- PUBREC --> acknowledged, released -- PUBCOMP --> packet id is free
import type { Packet } from 'mqtt-packet'
import { WireClient } from '../integration/wire-client.ts'

const IN_FLIGHT_MAX = 20
/** Each tenth message is a retained one, of a topic of its own that no subscriber of the trial has. */
const RETAINED_EVERY = 10
const PAYLOAD_BYTES = 64
/** Each fourth message is a large one, so that LevelDB begins a new log, and compacts, in the midst of the traffic. */
const LARGE_EVERY = 4
const LARGE_BYTES = 8 * 1024

interface InFlight {
  readonly sequence: number
  isReleased: boolean
}

export interface PublisherOptions {
  readonly name: string
  readonly qos: 1 | 2
  readonly version: 4 | 5
  /** Clients number in two ways: the lowest packet id that is free, or one after the other. */
  readonly takesLowestPacketId: boolean
}

export class Publisher {
  readonly options: PublisherOptions
  /** Sequence of the message sent last; the first is 1. */
  sent = 0
  acknowledged = 0
  /** Sequence of the last retained message that must have survived the last crash. */
  retainedOwed = 0
  #client: WireClient | undefined
  #target = 0
  #reached: () => void = () => {}
  #nextPacketId = 1
  /** In the order of sending. */
  readonly #inFlight = new Map<number, InFlight>()
  /** When each message since the last crash was acknowledged; by sequence. */
  readonly #acknowledgedAt = new Map<number, number>()
  /** The same of those between the crash before and the last one. */
  #acknowledgedBefore: ReadonlyMap<number, number> = new Map()
  /** Those of them that it may have taken. */
  #forgiven: ReadonlyMap<number, number> = new Map()

  constructor(options: PublisherOptions) {
    this.options = options
  }

  get topicName(): string {
    return `kill/${this.options.name}`
  }

  static isRetained(sequence: number): boolean {
    return sequence % RETAINED_EVERY === 0
  }

  /** Resolves with whether the broker still had the session; what is unacknowledged has been sent again. */
  async connect(port: number): Promise<boolean> {
    const { name, version } = this.options
    const client = await WireClient.connect(port, {
      clientId: `publisher-${name}`,
      protocolVersion: version,
      clean: false,
      ...(version === 5 && { properties: { sessionExpiryInterval: 3_600 } }),
    })
    this.#client = client
    client.handle((packet) => this.#take(packet))
    for (const [messageId, { sequence, isReleased }] of this.#inFlight) {
      if (isReleased) client.send({ cmd: 'pubrel', messageId })
      else this.#publish(client, messageId, sequence, true)
    }
    return client.connack.sessionPresent
  }

  /** The broker has gone. What was acknowledged until `keptUntil` must still be there. */
  async lost(keptUntil: number): Promise<void> {
    await this.#client?.closed
    this.#forgiven = new Map([...this.#acknowledgedAt].filter(([, at]) => at > keptUntil))
    this.#acknowledgedBefore = new Map(this.#acknowledgedAt)
    for (const sequence of this.#acknowledgedAt.keys()) {
      if (!Publisher.isRetained(sequence) || this.#forgiven.has(sequence)) continue
      this.retainedOwed = Math.max(this.retainedOwed, sequence)
    }
    this.#acknowledgedAt.clear()
  }

  /** Before the last crash. */
  wasAcknowledgedBefore(sequence: number): boolean {
    return this.#acknowledgedBefore.has(sequence)
  }

  /** When it was acknowledged, if that was so shortly before the crash that it may be gone. */
  forgivenAt(sequence: number): number | undefined {
    return this.#forgiven.get(sequence)
  }

  end(): Promise<void> | undefined {
    return this.#client?.end()
  }

  /** Sends up to and with the sequence `target`; resolves when all of that is acknowledged. */
  publishUntil(target: number): Promise<void> {
    this.#target = target
    return new Promise((resolve) => {
      this.#reached = resolve
      this.#pump()
    })
  }

  #pump(): void {
    const client = this.#client
    if (client === undefined) return
    while (this.sent < this.#target && this.#inFlight.size < IN_FLIGHT_MAX) {
      const messageId = this.#takePacketId()
      this.#inFlight.set(messageId, { sequence: ++this.sent, isReleased: false })
      this.#publish(client, messageId, this.sent, false)
    }
    if (this.sent >= this.#target && this.#inFlight.size === 0) this.#reached()
  }

  #publish(client: WireClient, messageId: number, sequence: number, dup: boolean): void {
    const retain = Publisher.isRetained(sequence)
    const { name, qos } = this.options
    const topic = retain ? `kept/${name}` : this.topicName
    const payload = String(sequence).padEnd(sequence % LARGE_EVERY === 0 ? LARGE_BYTES : PAYLOAD_BYTES)
    client.send({ cmd: 'publish', topic, payload, qos, messageId, dup, retain })
  }

  #take(packet: Packet): void {
    const { messageId = 0 } = packet
    const inFlight = this.#inFlight.get(messageId)
    if (packet.cmd === 'pubrec') {
      if (inFlight?.isReleased === false) this.#acknowledge(inFlight)
      if (inFlight !== undefined) inFlight.isReleased = true
      this.#client?.send({ cmd: 'pubrel', messageId })
    } else if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') {
      if (inFlight?.isReleased === false) this.#acknowledge(inFlight)
      this.#inFlight.delete(messageId)
      this.#pump()
    }
  }

  #acknowledge({ sequence }: InFlight): void {
    this.acknowledged++
    this.#acknowledgedAt.set(sequence, performance.now())
  }

  #takePacketId(): number {
    if (this.options.takesLowestPacketId) this.#nextPacketId = 1
    while (this.#inFlight.has(this.#nextPacketId)) this.#nextPacketId = (this.#nextPacketId % 65_535) + 1
    const packetId = this.#nextPacketId
    this.#nextPacketId = (packetId % 65_535) + 1
    return packetId
  }
}
