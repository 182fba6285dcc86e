// Plays a script against the broker of an arena. A client that has no connection gets one with its first bytes; one
// whose connection the broker has closed goes on talking to nobody, until it hangs up itself.
import { frame } from '../kit/frames.ts'
import { type Arena, Finding } from './arena.ts'
import { FirstByte } from './client-packets.ts'
import type { FarEnd } from './far-ends.ts'
import { bodyStartOf, packetsIn, problemOf } from './packets-in.ts'
import type { Deed, Event, Script } from './script.ts'

class HostileConnection {
  readonly far: FarEnd
  readonly packets: Buffer[] = []
  answers = false
  #unread: Buffer = Buffer.alloc(0)

  constructor(far: FarEnd) {
    this.far = far
  }

  /** Takes what has come, and acknowledges it if it is one that answers. */
  hear(): void {
    const bytes = this.far.take()
    if (bytes.length === 0) return
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    const { packets, rest } = packetsIn(this.#unread)
    this.#unread = rest
    for (const packet of packets) {
      this.packets.push(packet)
      if (this.answers) this.#answer(packet)
    }
  }

  #answer(packet: Buffer): void {
    const firstByte = packet[0] as number
    const bodyStart = bodyStartOf(packet)
    const idOf = (at: number): Buffer => packet.subarray(at, at + 2)
    if (firstByte >>> 4 === 3) {
      const qos = (firstByte >>> 1) & 3
      const idAt = bodyStart + 2 + packet.readUInt16BE(bodyStart)
      if (qos > 0) this.far.write(frame(qos === 1 ? FirstByte.Puback : FirstByte.Pubrec, idOf(idAt)))
    } else if (firstByte === FirstByte.Pubrec) this.far.write(frame(FirstByte.Pubrel, idOf(bodyStart)))
    else if (firstByte === FirstByte.Pubrel) this.far.write(frame(FirstByte.Pubcomp, idOf(bodyStart)))
  }
}

export class Player {
  readonly #arena: Arena
  /** Every connection of the case, in the order of their beginnings. */
  readonly connections: HostileConnection[] = []
  readonly #current = new Map<number, HostileConnection>()
  readonly #answering = new Set<number>()

  constructor(arena: Arena) {
    this.#arena = arena
  }

  async play(script: Script): Promise<void> {
    for (const step of script) {
      if (step.kind === 'says') this.#connectionOf(step.client).far.write(step.bytes)
      else if (step.kind === 'does') this.#do(step.client, step.deed)
      else if (step.kind === 'passes') await this.#pass(step.ms)
      else await this.#happen(step.event)
    }
  }

  /** What has come is heard, and answered by those who answer. */
  async turn(): Promise<void> {
    await this.#arena.turn()
    for (const connection of this.connections) connection.hear()
  }

  /** Throws a Finding for what no client should have to read. */
  checkPackets(): void {
    for (const { packets } of this.connections) {
      const problem = problemOf(packets)
      if (problem !== '') throw new Finding(problem)
    }
  }

  #connectionOf(client: number): HostileConnection {
    const current = this.#current.get(client)
    if (current !== undefined) return current
    const connection = new HostileConnection(this.#arena.dial())
    connection.answers = this.#answering.has(client)
    this.connections.push(connection)
    this.#current.set(client, connection)
    return connection
  }

  #do(client: number, deed: Deed): void {
    if (deed === 'answers') this.#answering.add(client)
    const connection = this.#current.get(client)
    if (connection === undefined) return
    const { far } = connection
    switch (deed) {
      case 'answers':
        connection.answers = true
        return
      case 'stalls':
        return far.stall()
      case 'reads':
        return far.read()
      case 'ends':
        far.end()
        break
      case 'cuts':
        far.cut()
        break
      case 'resets':
        far.reset()
        break
    }
    this.#current.delete(client)
  }

  async #pass(ms: number): Promise<void> {
    await this.turn()
    await this.#arena.pass(ms)
  }

  async #happen(event: Event): Promise<void> {
    const { store, ground } = this.#arena
    switch (event) {
      case 'turn':
        return this.turn()
      case 'hold':
        return store.hold()
      case 'let go':
        return store.letGo()
      case 'full':
        return store.fillUp()
      case 'room':
        return store.makeRoom()
      case 'restart':
        // Nothing to come back to in memory.
        if (ground.store === 'level') await this.#arena.restart()
    }
  }
}
