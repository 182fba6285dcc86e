// The second client: whatever others do, what it publishes on topics of its own comes back to it, at each quality of
// service, and nothing else does. Byte by byte, as it speaks after each of many thousand cases.
import { frame, hex, text, u16 } from '../kit/frames.ts'
import type { Version } from '../kit/packets.ts'
import { connect, FirstByte } from './client-packets.ts'
import type { FarEnd } from './far-ends.ts'
import { packetsIn } from './packets-in.ts'
import { Random } from './random.ts'

const CLIENT_ID = 'witness'
/** Nothing that mutations of the stories come upon. */
const TOPIC = 'seen by the witness'
const IDS = [0, 11, 12] as const
/** All that an exchange of three messages brings, each once. */
const EXPECTED = ['QoS 0', 'QoS 1', 'QoS 2', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const

export class Witness {
  readonly #version: Version
  readonly #end: FarEnd
  #unread: Buffer = Buffer.alloc(0)
  #round = 0
  readonly #seen: string[] = []

  constructor(version: Version, end: FarEnd) {
    this.#version = version
    this.#end = end
  }

  /** With a broker that has just opened. */
  connect(): void {
    const by = { version: this.#version, random: new Random(0) }
    const properties = this.#version === 5 ? hex('00') : Buffer.alloc(0)
    this.#end.write(connect(by, CLIENT_ID, { more: [], expiry: 0 }))
    this.#end.write(frame(0x82, u16(1), properties, text(`${TOPIC}/+`), hex('02')))
  }

  /** CONNACK and SUBACK are there. */
  get isSubscribed(): boolean {
    this.#hear()
    return this.#seen.length === 2 && this.#seen.every((each) => each === 'CONNACK' || each === 'SUBACK')
  }

  /** Publishes one message of each quality of service. */
  speak(): void {
    this.#round++
    this.#seen.length = 0
    this.#end.write(Buffer.concat([this.#publish(0), this.#publish(1), this.#publish(2)]))
  }

  /** Everything has come, and been acknowledged both ways. To be asked until it is so. */
  get isServed(): boolean {
    this.#hear()
    return this.#seen.length >= EXPECTED.length && this.problem === ''
  }

  /** What is missing or too much, in words. */
  get problem(): string {
    if (this.#end.isEnded) return 'the witness was disconnected'
    const missing = EXPECTED.filter((each) => !this.#seen.includes(each))
    const more = this.#seen.filter((each, i) => this.#seen.indexOf(each) !== i || !isExpected(each))
    if (missing.length + more.length === 0) return ''
    return `the witness missed [${missing.join(', ')}] and had [${more.join(', ')}] besides`
  }

  #publish(qos: 0 | 1 | 2): Buffer {
    return frame(
      0x30 | (qos << 1),
      text(`${TOPIC}/${qos}`),
      qos === 0 ? Buffer.alloc(0) : u16(IDS[qos]),
      this.#version === 5 ? hex('00') : Buffer.alloc(0),
      Buffer.from(`${this.#round}`),
    )
  }

  #hear(): void {
    const bytes = this.#end.take()
    if (bytes.length === 0) return
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    const { packets, rest } = packetsIn(this.#unread)
    this.#unread = rest
    for (const packet of packets) this.#seen.push(this.#answer(packet))
  }

  /** Acknowledges a packet, and says what it was. */
  #answer(packet: Buffer): string {
    const firstByte = packet[0] as number
    switch (firstByte >>> 4) {
      case 2:
        return 'CONNACK'
      case 9:
        return 'SUBACK'
      case 3:
        return this.#receive(packet)
      case 4:
        return packet.readUInt16BE(2) === IDS[1] ? 'PUBACK' : 'a PUBACK of nothing'
      case 5:
        this.#end.write(frame(FirstByte.Pubrel, u16(IDS[2])))
        return packet.readUInt16BE(2) === IDS[2] ? 'PUBREC' : 'a PUBREC of nothing'
      case 6:
        this.#end.write(frame(FirstByte.Pubcomp, packet.subarray(2, 4)))
        return 'PUBREL'
      case 7:
        return packet.readUInt16BE(2) === IDS[2] ? 'PUBCOMP' : 'a PUBCOMP of nothing'
      default:
        return `a packet ${packet.toString('hex')}`
    }
  }

  #receive(packet: Buffer): string {
    const qos = ((packet[0] as number) >>> 1) & 3
    const topic = `${TOPIC}/${qos}`
    const bodyStart = 2 + 2 + topic.length
    if (qos > 0) {
      const answer = qos === 1 ? FirstByte.Puback : FirstByte.Pubrec
      this.#end.write(frame(answer, packet.subarray(bodyStart, bodyStart + 2)))
    }
    const payloadStart = bodyStart + (qos > 0 ? 2 : 0) + (this.#version === 5 ? 1 : 0)
    const isRight =
      packet.toString('latin1', 4, bodyStart) === topic &&
      packet.toString('latin1', payloadStart) === `${this.#round}`
    return isRight ? `QoS ${qos}` : `a message ${packet.toString('hex')}`
  }
}

const isExpected = (what: string): boolean => (EXPECTED as readonly string[]).includes(what)
