// Traffic for beside-mosquitto.ts: publishers with a window of messages in flight, subscribers that answer, MQTT 3.1.1.
// Frames are made once and patched, answers of a chunk leave in one write: it must cost less than the broker it loads.
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { encodeConnect } from '../src/packet/connect.ts'
import { FrameSplitter } from '../src/packet/frame-splitter.ts'
import { PacketType, packetTypeOf, type Qos } from '../src/packet/protocol.ts'
import { createMessage } from '../src/packet/publish.ts'
import { encodeSubscribe } from '../src/packet/subscribe.ts'

const PACKET_IDS = 65_535
const NO_PROPERTIES = Buffer.alloc(0)

export interface Pattern {
  readonly name: string
  readonly publishers: number
  readonly subscribers: number
  /** pair: subscriber i hears publisher i; all: every subscriber hears every publisher. */
  readonly hears: 'pair' | 'all'
  readonly qos: Qos
  /** Messages that a publisher has in flight: not delivered yet at QoS 0, not acknowledged yet otherwise. */
  readonly inFlight: number
  readonly payloadBytes: number
  readonly messages: number
}

/** A new connection to the broker, ready to be written to. */
export type Dial = () => Promise<Duplex>

/** Runs the pattern once; resolves with the number of deliveries when all have arrived. */
export async function runPattern(pattern: Pattern, dial: Dial, run: string): Promise<number> {
  const traffic = new Traffic(pattern, dial, run)
  await traffic.connect()
  await traffic.run()
  traffic.end()
  return traffic.deliveries
}

class Traffic {
  deliveries = 0
  readonly #pattern: Pattern
  readonly #dial: Dial
  readonly #run: string
  readonly #publishers: Publisher[] = []
  readonly #sockets: Duplex[] = []
  readonly #deliveriesPerMessage: number
  #arrived: () => void = () => {}

  constructor(pattern: Pattern, dial: Dial, run: string) {
    this.#pattern = pattern
    this.#dial = dial
    this.#run = run
    const { hears, subscribers, publishers } = pattern
    this.#deliveriesPerMessage = hears === 'all' ? subscribers : subscribers / publishers
  }

  async connect(): Promise<void> {
    const { publishers, subscribers, hears } = this.#pattern
    for (let i = 0; i < subscribers; i++) await this.#subscriber(i, hears === 'all' ? '+' : `${i}`)
    for (let i = 0; i < publishers; i++) {
      const socket = await this.#open(`publisher-${this.#run}-${i}`)
      this.#publishers.push(new Publisher(socket, this.#pattern, i, `${this.#run}/${i}`))
    }
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = resolve
      for (const publisher of this.#publishers) publisher.fill()
    })
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  get #wanted(): number {
    const { messages, publishers } = this.#pattern
    return Math.floor(messages / publishers) * publishers * this.#deliveriesPerMessage
  }

  async #open(clientId: string): Promise<Duplex> {
    const socket = await this.#dial()
    this.#sockets.push(socket)
    socket.write(encodeConnect({ version: 4, clientId, cleanStart: true, keepAlive: 300 }))
    await once(socket, 'data')
    return socket
  }

  async #subscriber(index: number, lastLevel: string): Promise<void> {
    const socket = await this.#open(`subscriber-${this.#run}-${index}`)
    const filter = { topicFilter: `${this.#run}/${lastLevel}`, qos: this.#pattern.qos }
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const filters = [{ ...filter, ...options }]
    socket.write(encodeSubscribe({ packetId: 1, subscriptionIdentifier: 0, userProperties: [], filters }, 4))
    await once(socket, 'data')
    const frames = new FrameSplitter()
    socket.on('data', (chunk: Buffer) => this.#received(socket, frames, chunk))
  }

  #received(socket: Duplex, frames: FrameSplitter, chunk: Buffer): void {
    const answers: number[] = []
    const progressed = new Set<Publisher>()
    frames.push(chunk)
    while (frames.next()) {
      const { bytes, bodyStart } = frames
      const type = packetTypeOf(bytes[frames.start] as number)
      if (type === PacketType.Pubrel) {
        answers.push(PacketType.Pubcomp << 4, 2, bytes[bodyStart] as number, bytes[bodyStart + 1] as number)
        continue
      }
      const idAt = bodyStart + 2 + bytes.readUInt16BE(bodyStart)
      const payloadAt = idAt + (this.#pattern.qos > 0 ? 2 : 0)
      const answer = [0, PacketType.Puback, PacketType.Pubrec][this.#pattern.qos] ?? 0
      if (answer !== 0) answers.push(answer << 4, 2, bytes[idAt] as number, bytes[idAt + 1] as number)
      this.deliveries++
      const publisher = this.#publishers[bytes.readUInt32BE(payloadAt)] as Publisher
      if (this.#pattern.qos === 0) {
        publisher.finished += 1 / this.#deliveriesPerMessage
        progressed.add(publisher)
      }
    }
    if (answers.length > 0) socket.write(Buffer.from(answers))
    for (const publisher of progressed) publisher.fill()
    if (this.deliveries >= this.#wanted) this.#arrived()
  }
}

class Publisher {
  /** Messages that count as delivered or acknowledged. */
  finished = 0
  readonly #socket: Duplex
  readonly #pattern: Pattern
  readonly #frame: Buffer
  readonly #idAt: number
  readonly #messages: number
  readonly #answers = new FrameSplitter()
  #sent = 0

  constructor(socket: Duplex, pattern: Pattern, index: number, topicName: string) {
    this.#socket = socket
    this.#pattern = pattern
    this.#messages = Math.floor(pattern.messages / pattern.publishers)
    const payload = Buffer.alloc(pattern.payloadBytes, 'x')
    payload.writeUInt32BE(index)
    this.#frame = frameOf(topicName, payload, pattern.qos)
    this.#idAt = this.#frame.length - payload.length - 2
    socket.on('data', (chunk: Buffer) => this.#answered(chunk))
  }

  fill(): void {
    const frames: Buffer[] = []
    while (this.#sent < this.#messages && this.#sent - this.finished < this.#pattern.inFlight) {
      let frame = this.#frame
      if (this.#pattern.qos > 0) {
        frame = Buffer.from(this.#frame)
        frame.writeUInt16BE((this.#sent % PACKET_IDS) + 1, this.#idAt)
      }
      frames.push(frame)
      this.#sent++
    }
    if (frames.length > 0)
      this.#socket.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames))
  }

  #answered(chunk: Buffer): void {
    const releases: number[] = []
    this.#answers.push(chunk)
    while (this.#answers.next()) {
      const { bytes, bodyStart, start } = this.#answers
      if (packetTypeOf(bytes[start] as number) !== PacketType.Pubrec) this.finished++
      else releases.push(0x62, 2, bytes[bodyStart] as number, bytes[bodyStart + 1] as number)
    }
    if (releases.length > 0) this.#socket.write(Buffer.from(releases))
    this.fill()
  }
}

/** A PUBLISH of MQTT 3.1.1: what createMessage makes, without the property length. */
function frameOf(topicName: string, payload: Buffer, qos: Qos): Buffer {
  const parts = { topicName, payload, qos, retain: false, expiresAt: Number.POSITIVE_INFINITY }
  const { bytes, topicOffset, propertiesOffset } = createMessage({ ...parts, properties: NO_PROPERTIES })
  const body = Buffer.concat([
    bytes.subarray(topicOffset, propertiesOffset - 1),
    bytes.subarray(propertiesOffset),
  ])
  const lengthBytes: number[] = []
  for (let rest = body.length; ; rest >>>= 7) {
    if (rest < 128) {
      lengthBytes.push(rest)
      break
    }
    lengthBytes.push((rest & 127) | 128)
  }
  return Buffer.concat([Buffer.from([bytes[0] as number, ...lengthBytes]), body])
}
