// A load generator for QoS 1 in MQTT 3.1.1, made of frames by hand: it must cost less than the broker it loads.
// Publishers keep a number of messages in flight; receivers answer all that a chunk of bytes brought in one write.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const CONNECT = 0x10
const PUBLISH_QOS1 = 0x32
const PUBACK = 0x40
const SUBSCRIBE = 0x82
const PUBACK_BYTES = 4
const PACKET_IDS = 65_535

export interface LoadOptions {
  readonly port: number
  readonly clientId: string
  /** Keep the session: CleanSession 0. */
  readonly isKept?: boolean
  /** Of a receiver: sees each message that comes. */
  readonly onPayload?: (payload: Buffer) => void
}

export class LoadPublisher {
  readonly #socket: Socket
  #nextPacketId = 1
  #toSend = 0
  #unacknowledged = 0
  #ackBytes = 0
  #window = 0
  #frameOf: (index: number, packetId: number) => Buffer = () => Buffer.alloc(0)
  #index = 0
  #done: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#acknowledged(chunk))
  }

  static async connect(options: LoadOptions): Promise<LoadPublisher> {
    return new LoadPublisher(await connectSocket(options))
  }

  /** Resolves when `count` messages are acknowledged, at most `window` of them in flight at a time. */
  publish(
    count: number,
    window: number,
    frameOf: (index: number, packetId: number) => Buffer,
  ): Promise<void> {
    this.#toSend = count
    this.#window = window
    this.#frameOf = frameOf
    return new Promise((resolve) => {
      this.#done = resolve
      this.#fill()
    })
  }

  end(): void {
    this.#socket.destroy()
  }

  #fill(): void {
    const frames: Buffer[] = []
    while (this.#toSend > 0 && this.#unacknowledged < this.#window) {
      frames.push(this.#frameOf(this.#index++, this.#nextPacketId))
      this.#nextPacketId = (this.#nextPacketId % PACKET_IDS) + 1
      this.#unacknowledged++
      this.#toSend--
    }
    if (frames.length > 0) this.#socket.write(Buffer.concat(frames))
  }

  /** Nothing but PUBACK comes to it. */
  #acknowledged(chunk: Buffer): void {
    this.#ackBytes += chunk.length
    const acks = Math.floor(this.#ackBytes / PUBACK_BYTES)
    this.#ackBytes -= acks * PUBACK_BYTES
    this.#unacknowledged -= acks
    this.#fill()
    if (this.#toSend === 0 && this.#unacknowledged === 0) this.#done()
  }
}

export class LoadReceiver {
  received = 0
  readonly #socket: Socket
  readonly #onPayload: ((payload: Buffer) => void) | undefined
  #rest: Buffer = Buffer.alloc(0)
  #wanted = Number.POSITIVE_INFINITY
  #arrived: () => void = () => {}

  private constructor(socket: Socket, onPayload: ((payload: Buffer) => void) | undefined) {
    this.#onPayload = onPayload
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
  }

  static async connect(options: LoadOptions): Promise<LoadReceiver> {
    return new LoadReceiver(await connectSocket(options), options.onPayload)
  }

  async subscribe(topicFilter: string, qos: 0 | 1): Promise<void> {
    const filter = Buffer.from(topicFilter)
    const head = [SUBSCRIBE, filter.length + 5, 0, 1, 0, filter.length]
    const isSubscribed = new Promise((resolve) => this.#socket.once('data', resolve))
    this.#socket.write(Buffer.concat([Buffer.from(head), filter, Buffer.from([qos])]))
    await isSubscribed
  }

  /** Resolves when `count` messages have come in all. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = count
      this.#arrived = resolve
      if (this.received >= count) resolve()
    })
  }

  end(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const acks = Buffer.allocUnsafe(Math.ceil(bytes.length / 8) * PUBACK_BYTES)
    let acksLength = 0
    let at = 0
    for (;;) {
      const { bodyStart, end } = frameAt(bytes, at)
      if (end > bytes.length) break
      const firstByte = bytes[at] as number
      if (firstByte >>> 4 === 3) {
        this.received++
        const packetIdAt = bodyStart + 2 + bytes.readUInt16BE(bodyStart)
        const hasPacketId = (firstByte & 0x06) !== 0
        this.#onPayload?.(bytes.subarray(packetIdAt + (hasPacketId ? 2 : 0), end))
        if (hasPacketId) {
          acks.writeUInt32BE(((PUBACK << 24) | (2 << 16) | bytes.readUInt16BE(packetIdAt)) >>> 0, acksLength)
          acksLength += PUBACK_BYTES
        }
      }
      at = end
    }
    this.#rest = bytes.subarray(at)
    if (acksLength > 0) this.#socket.write(acks.subarray(0, acksLength))
    if (this.received >= this.#wanted) this.#arrived()
  }
}

/** A PUBLISH of QoS 1. */
export function publishFrame(topicName: string, payload: Buffer, packetId: number, retain = false): Buffer {
  const topic = Buffer.from(topicName)
  const remaining = 2 + topic.length + 2 + payload.length
  const lengthBytes = remaining < 128 ? [remaining] : [(remaining & 127) | 128, remaining >>> 7]
  return Buffer.concat([
    Buffer.from([PUBLISH_QOS1 | (retain ? 1 : 0), ...lengthBytes, topic.length >>> 8, topic.length & 255]),
    topic,
    Buffer.from([packetId >>> 8, packetId & 255]),
    payload,
  ])
}

/** Frames of one topic, with payloads that do not compress: only the bytes that change are written for each. */
export function framesOf(
  topicName: string,
  payloadBytes: number,
): (index: number, packetId: number) => Buffer {
  const frame = publishFrame(topicName, Buffer.alloc(payloadBytes), 0)
  const payloadAt = frame.length - payloadBytes
  return (index, packetId) => {
    const copy = Buffer.from(frame)
    copy.writeUInt16BE(packetId, payloadAt - 2)
    copy.set(randomPayload(index, payloadBytes), payloadAt)
    return copy
  }
}

const noise = randomBytes(1 << 20)

/** A stretch of noise, another one for each index. */
export function randomPayload(index: number, length: number): Buffer {
  const start = (index * 997) % (noise.length - length)
  return noise.subarray(start, start + length)
}

/** `end` is beyond the bytes when the frame is not all there. */
function frameAt(bytes: Buffer, at: number): { bodyStart: number; end: number } {
  let remaining = 0
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + 1 + i]
    if (byte === undefined) break
    remaining |= (byte & 127) << (7 * i)
    if (byte < 128) return { bodyStart: at + 2 + i, end: at + 2 + i + remaining }
  }
  return { bodyStart: at, end: Number.POSITIVE_INFINITY }
}

async function connectSocket({ port, clientId, isKept = false }: LoadOptions): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const id = Buffer.from(clientId)
  const head = [CONNECT, 12 + id.length, 0, 4, 77, 81, 84, 84, 4, isKept ? 0 : 2, 0, 0, 0, id.length]
  socket.write(Buffer.concat([Buffer.from(head), id]))
  await new Promise<void>((resolve, reject) => {
    // CONNACK is four bytes; what may come behind it is given back to whoever listens next.
    socket.once('readable', () => {
      socket.read(4)
      resolve()
    })
    socket.once('error', reject)
  })
  socket.removeAllListeners('error')
  socket.on('error', () => {})
  return socket
}
