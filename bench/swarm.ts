// Many clients of MQTT 5.0 that each do little: they connect, subscribe, answer what they are sent, and go. For stalls.ts
// and churn.ts; who wants speed from a few takes load.ts.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Will } from '../src/packet/connect.ts'
import { encodeConnect } from '../src/packet/connect.ts'
import { encodeDisconnect } from '../src/packet/disconnect.ts'
import { FrameSplitter } from '../src/packet/frame-splitter.ts'
import { NEVER } from '../src/packet/message.ts'
import { PacketType, packetTypeOf, type Qos } from '../src/packet/protocol.ts'
import { createMessage } from '../src/packet/publish.ts'
import { ReasonCode } from '../src/packet/reason-codes.ts'
import { encodeSubscribe } from '../src/packet/subscribe.ts'
import { encodeUnsubscribe } from '../src/packet/unsubscribe.ts'

/** So many do the same at a time: the listener's queue is not endless. */
const AT_ONCE = 200
const PAYLOAD = Buffer.alloc(64, 'x')
const NO_PROPERTIES = Buffer.alloc(0)

export interface SwarmOptions {
  readonly port: number
  readonly clientId: string
  readonly cleanStart?: boolean
  /** Seconds. */
  readonly sessionExpiryInterval?: number
  readonly will?: Pick<Will, 'topicName' | 'qos' | 'delayInterval'>
}

export class SwarmClient {
  received = 0
  readonly #socket: Socket
  readonly #frames = new FrameSplitter()
  #answered: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => {})
  }

  /** Resolves when CONNACK is there. */
  static async connect(options: SwarmOptions): Promise<SwarmClient> {
    const { port, clientId, cleanStart = false, sessionExpiryInterval = 0, will } = options
    const client = new SwarmClient(connect({ host: '127.0.0.1', port, noDelay: true }))
    await client.#ask(
      encodeConnect({
        version: 5,
        clientId,
        cleanStart,
        keepAlive: 0,
        sessionExpiryInterval,
        ...(will && {
          will: {
            ...will,
            payload: Buffer.from(clientId),
            retain: false,
            properties: Buffer.alloc(0),
            messageExpiryInterval: undefined,
          },
        }),
      }),
    )
    return client
  }

  subscribe(topicFilters: readonly string[], qos: Qos): Promise<void> {
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const filters = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
    return this.#ask(
      encodeSubscribe({ packetId: 1, subscriptionIdentifier: 0, userProperties: [], filters }, 5),
    )
  }

  unsubscribe(topicFilters: readonly string[]): Promise<void> {
    return this.#ask(
      encodeUnsubscribe({ packetId: 1, userProperties: [], topicFilters: [...topicFilters] }, 5),
    )
  }

  publish(topicName: string, qos: 0 | 1): void {
    const parts = { topicName, payload: PAYLOAD, retain: false, properties: NO_PROPERTIES }
    const { bytes } = createMessage({ ...parts, qos, expiresAt: NEVER })
    // The packet id of a message that is made is 0, which is none.
    if (qos > 0) bytes.writeUInt16BE(1, bytes.indexOf(topicName) + topicName.length)
    this.#socket.write(bytes)
  }

  /** With a DISCONNECT; the session lives on for `sessionExpiryInterval` seconds, or as CONNECT said. */
  async leave(sessionExpiryInterval?: number): Promise<void> {
    const isClosed = once(this.#socket, 'close')
    const expiry = sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval }
    this.#socket.end(encodeDisconnect({ reasonCode: ReasonCode.Success, ...expiry }, 5))
    await isClosed
  }

  /** Without a word. */
  destroy(): void {
    this.#socket.destroy()
  }

  #ask(packet: Buffer): Promise<void> {
    this.#socket.write(packet)
    return new Promise((resolve) => {
      this.#answered = resolve
    })
  }

  #take(chunk: Buffer): void {
    this.#frames.push(chunk)
    const answers: number[] = []
    while (this.#frames.next()) {
      const { bytes, start, bodyStart } = this.#frames
      const firstByte = bytes[start] as number
      const type = packetTypeOf(firstByte)
      if (type !== PacketType.Publish) {
        this.#answered()
        continue
      }
      this.received++
      if ((firstByte & 0x06) === 0) continue
      const idAt = bodyStart + 2 + bytes.readUInt16BE(bodyStart)
      answers.push(PacketType.Puback << 4, 2, bytes[idAt] as number, bytes[idAt + 1] as number)
    }
    if (answers.length > 0) this.#socket.write(Buffer.from(answers))
  }
}

/** Calls `make` for each number below `count`, a few at a time; resolves with what they made, in order. */
export async function swarm<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let from = 0; from < count; from += AT_ONCE) {
    const few = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => make(from + i))
    made.push(...(await Promise.all(few)))
  }
  return made
}
