// A client that does nothing by itself: it sends the packets it is told to and hands over those that come, so that
// a test decides what is acknowledged, what is sent again, and what is left in flight. On net and mqtt-packet.
import { connect as connectTcp, type Socket } from 'node:net'
import mqttPacket, { type IConnackPacket, type Packet } from 'mqtt-packet'

type ConnectPacket = Extract<Packet, { cmd: 'connect' }>
type PacketOf<Cmd extends Packet['cmd']> = Extract<Packet, { cmd: Cmd }>

export interface WireConnectOptions extends Omit<ConnectPacket, 'cmd' | 'protocolVersion'> {
  readonly protocolVersion: 4 | 5
}

export class WireClient {
  readonly #socket: Socket
  readonly #version: 4 | 5
  /** Packets that came before anyone asked; a test's worth at most. */
  readonly #arrived: Packet[] = []
  #waiting: { resolve(packet: Packet): void; reject(error: Error): void } | undefined
  #isClosed = false
  /** Takes packets as they come, instead of `receive`. */
  #handler: ((packet: Packet) => void) | undefined
  readonly closed: Promise<void>
  connack: IConnackPacket = { cmd: 'connack', sessionPresent: false }

  private constructor(socket: Socket, version: 4 | 5) {
    this.#socket = socket
    this.#version = version
    const parser = mqttPacket.parser({ protocolVersion: version })
    parser.on('packet', (packet) => this.#take(packet))
    parser.on('error', () => socket.destroy())
    socket.on('data', (chunk) => parser.parse(chunk))
    // A broker that is killed resets its connections: an end like any other.
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        this.#waiting?.reject(new Error('the connection was closed'))
        resolve()
      })
    })
  }

  /** Resolves when CONNACK is there. */
  static async connect(port: number, options: WireConnectOptions): Promise<WireClient> {
    const client = new WireClient(
      connectTcp({ host: '127.0.0.1', port, noDelay: true }),
      options.protocolVersion,
    )
    client.send({ cmd: 'connect', protocolId: 'MQTT', keepalive: 0, ...options })
    client.connack = await client.receive('connack')
    return client
  }

  /** After what was sent before, in one write with all of the same turn. */
  send(packet: Packet): void {
    this.#socket.cork()
    this.#socket.write(mqttPacket.generate(packet, { protocolVersion: this.#version }))
    process.nextTick(() => this.#socket.uncork())
  }

  /** The next packet, which must be a `cmd`. Rejects when the connection closes before it has come. */
  async receive<Cmd extends Packet['cmd']>(cmd: Cmd): Promise<PacketOf<Cmd>> {
    const packet = this.#arrived.shift() ?? (await this.#next())
    if (packet.cmd !== cmd) throw new Error(`${cmd} was expected, came: ${JSON.stringify(packet)}`)
    return packet as PacketOf<Cmd>
  }

  /** Fails if anything but the answer to a PINGREQ comes. */
  async receiveNothing(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    await this.receive('pingresp')
  }

  /** From here on `handler` gets all packets, first those that are there. */
  handle(handler: (packet: Packet) => void): void {
    this.#handler = handler
    for (const packet of this.#arrived.splice(0)) handler(packet)
  }

  /** With a DISCONNECT; what it says is for 5.0 alone. */
  async end(properties?: PacketOf<'disconnect'>['properties']): Promise<void> {
    this.send({ cmd: 'disconnect', ...(properties !== undefined && { properties }) })
    this.#socket.end()
    await this.closed
  }

  /** Without a word. */
  destroy(): void {
    this.#socket.destroy()
  }

  #next(): Promise<Packet> {
    if (this.#isClosed) return Promise.reject(new Error('the connection was closed'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #take(packet: Packet): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting.resolve(packet)
    else if (this.#handler !== undefined) this.#handler(packet)
    else this.#arrived.push(packet)
  }
}
