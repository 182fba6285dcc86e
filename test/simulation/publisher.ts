// The sending side of a client: what it has published and not seen finished, and which answers must come for it.
// Outlives connections; client.ts puts it on the wire.
//
//   QoS 1   sent -- PUBACK --> gone
//   QoS 2   sent -- PUBREC --> recorded -- release --> releasing -- PUBCOMP --> gone
import type { AckType } from '../../src/packet/ack.ts'
import { PacketType } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import type { Connection, Model } from './model.ts'
import { encodeAnswer, encodePublish, type SentPublish } from './packets.ts'
import { breach } from './rules.ts'

const UNFINISHED_MAX = 20

interface Unfinished {
  readonly publish: SentPublish
  phase: 'sent' | 'recorded' | 'releasing'
}

interface Awaited {
  readonly type: AckType
  readonly packetId: number
  /** Besides Success. */
  readonly reasonCode: number
}

export class Publisher {
  readonly #model: Model
  readonly #unfinished = new Map<number, Unfinished>()
  /** Of this connection, in the order in which they must come for each type. */
  #awaited: Awaited[] = []

  constructor(model: Model) {
    this.#model = model
  }

  get isFull(): boolean {
    return this.#unfinished.size >= UNFINISHED_MAX
  }

  /** The session has gone, and all of this with it. */
  forget(): void {
    this.#unfinished.clear()
  }

  connectionEnded(): void {
    this.#awaited = []
  }

  publish(connection: Connection, publish: SentPublish): Buffer {
    if (publish.qos === 0) this.#model.publish(connection.clientId, publish)
    let packetId = 1
    while (this.#unfinished.has(packetId)) packetId++
    if (publish.qos > 0) {
      this.#unfinished.set(packetId, { publish, phase: 'sent' })
      this.#send(connection, packetId, publish, false)
    }
    return encodePublish(publish, packetId, false, connection.version)
  }

  /** As the broker takes it: QoS 1 is published each time, QoS 2 once until it is released. */
  #send(connection: Connection, packetId: number, publish: SentPublish, isAgain: boolean): void {
    const { clientId, session, version } = connection
    const isRepeat = publish.qos === 2 && session.receiving.has(packetId)
    const expiry = version === 5 ? publish.expiry : 0 // It may have been published in another version.
    const sent = { ...publish, expiry }
    const isMatched =
      isRepeat || (isAgain ? this.#model.publishAgain(clientId, sent) : this.#model.publish(clientId, sent))
    if (publish.qos === 2) session.receiving.add(packetId)
    const type = publish.qos === 1 ? PacketType.Puback : PacketType.Pubrec
    this.#await(type, packetId, isMatched ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers)
  }

  /** The oldest again, if there is one that is not being released. */
  resend(connection: Connection): Buffer | undefined {
    for (const [packetId, { publish, phase }] of this.#unfinished) {
      if (phase === 'releasing') continue
      this.#send(connection, packetId, publish, true)
      return encodePublish(publish, packetId, true, connection.version)
    }
    return undefined
  }

  /** PUBREL for the oldest that has its PUBREC. */
  release(connection: Connection): Buffer | undefined {
    for (const [packetId, each] of this.#unfinished) {
      if (each.phase === 'recorded') return this.#release(connection, packetId, each)
    }
    return undefined
  }

  #release({ session, version }: Connection, packetId: number, each: Unfinished): Buffer {
    each.phase = 'releasing'
    const isKnown = session.receiving.delete(packetId)
    const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
    this.#await(PacketType.Pubcomp, packetId, reasonCode)
    return encodeAnswer(PacketType.Pubrel, packetId, ReasonCode.Success, version)
  }

  /** The session is there: what is unfinished is sent again, in its order. */
  resume(connection: Connection): Buffer[] {
    return [...this.#unfinished].map(([packetId, each]) => {
      if (each.phase !== 'sent') return this.#release(connection, packetId, each)
      this.#send(connection, packetId, each.publish, true)
      return encodePublish(each.publish, packetId, true, connection.version)
    })
  }

  #await(type: AckType, packetId: number, reasonCode: number): void {
    this.#awaited.push({ type, packetId, reasonCode })
  }

  /** PUBACK, PUBREC or PUBCOMP has arrived. */
  answered(type: AckType, packetId: number, reasonCode: number): void {
    const index = this.#awaited.findIndex((each) => each.type === type)
    const awaited = this.#awaited[index]
    const what = `answer ${type} to packet id ${packetId} with ${reasonCode}`
    if (awaited?.packetId !== packetId) breach('acknowledgement', `${what}, not ${awaited?.packetId}`)
    if (reasonCode !== ReasonCode.Success && reasonCode !== awaited.reasonCode)
      breach('acknowledgement', what)
    this.#awaited.splice(index, 1)
    const each = this.#unfinished.get(packetId)
    if (each === undefined) return
    if (type === PacketType.Pubrec) {
      if (each.phase === 'sent') each.phase = 'recorded'
    } else if ((type === PacketType.Puback) === (each.publish.qos === 1)) this.#unfinished.delete(packetId)
  }

  check(): void {
    const missing = this.#awaited[0]
    if (missing === undefined) return
    breach('acknowledgement', `no answer ${missing.type} to packet id ${missing.packetId}`)
  }
}
