// One client: connections that come and go, what it has to answer, and what it makes of what arrives.
// simulation.ts has it do its steps; it tells the model what it did and what it saw.
import type { AckType } from '../../src/packet/ack.ts'
import { encodeConnect } from '../../src/packet/connect.ts'
import { encodeDisconnect } from '../../src/packet/disconnect.ts'
import { FrameSplitter } from '../../src/packet/frame-splitter.ts'
import { PacketType } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { encodeSubscribe } from '../../src/packet/subscribe.ts'
import { encodeUnsubscribe } from '../../src/packet/unsubscribe.ts'
import { optionsOf, willOf } from './connect-options.ts'
import type { Connection, Model } from './model.ts'
import { type Arrived, decode, encodeAnswer } from './packets.ts'
import { Publisher } from './publisher.ts'
import { breach } from './rules.ts'
import type { ConnectStep, PublishStep, Step, SubscribeStep } from './steps.ts'
import { splitFilter } from './topics.ts'
import type { Wire } from './wire.ts'

type Answer = { readonly type: AckType; readonly packetId: number }
type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

/** Apart from those of PUBLISH. */
const REQUEST_IDS_FROM = 1_000

export class Client {
  readonly number: number
  readonly clientId: string
  connection: Connection | undefined = undefined
  wire: Wire | undefined = undefined
  readonly #model: Model
  readonly #publisher: Publisher
  #frames = new FrameSplitter()
  #answers: Answer[] = []
  /** What SUBACK and UNSUBACK will say. */
  #requests: { readonly packetId: number; readonly reasonCodes: readonly number[] }[] = []
  #requestId = REQUEST_IDS_FROM
  #mustResend = false

  constructor(number: number, model: Model) {
    this.number = number
    this.clientId = `c${number}`
    this.#model = model
    this.#publisher = new Publisher(model)
  }

  get isConnected(): boolean {
    return this.connection?.isOpen === true
  }

  get hasAnswers(): boolean {
    return this.#answers.length > 0
  }

  // What it does.

  connect(wire: Wire, step: ConnectStep, willPayload: string): void {
    const options = optionsOf(step, willPayload)
    this.connection = this.#model.connect(this.clientId, options)
    if (!this.connection.sessionPresent) this.#publisher.forget()
    this.#begin(wire)
    const { version, cleanStart, keepAlive, receiveMaximum } = options
    const sessionExpiryInterval = version === 5 ? options.expiry : 0
    const will = willOf(options)
    wire.send(
      encodeConnect({
        version,
        clientId: this.clientId,
        cleanStart,
        keepAlive,
        sessionExpiryInterval,
        receiveMaximum,
        will,
      }),
    )
  }

  #begin(wire: Wire): void {
    this.wire = wire
    this.#frames = new FrameSplitter()
    this.ended()
  }

  /** The connection has: what belongs to it goes. */
  ended(): void {
    this.#answers = []
    this.#requests = []
    this.#mustResend = false
    this.#publisher.connectionEnded()
  }

  /** False: it makes no sense now. */
  perform(step: Step): boolean {
    switch (step.kind) {
      case 'publish':
        return this.#publish(step)
      case 'subscribe':
        return this.#subscribe(step)
      case 'unsubscribe':
        return this.#unsubscribe(step)
      case 'answer':
        return this.#answerSome(step)
      case 'release':
        return this.#send(this.#publisher.release(this.#open))
      case 'resend':
        return this.#open.version < 5 && this.#send(this.#publisher.resend(this.#open))
      case 'stall':
        return this.#stall()
      case 'read':
        return this.#read()
      case 'drop':
        return this.#drop()
      case 'disconnect':
        return this.#disconnect(step)
      default:
        return false
    }
  }

  get #open(): Connection {
    return this.connection as Connection
  }

  #publish(step: PublishStep): boolean {
    const connection = this.#open
    if (step.qos > 0 && this.#publisher.isFull) return false
    // One that says nothing is like any other: in a share it could not be followed.
    const isEmpty = step.isEmpty && !this.#model.isShared(step.topic)
    const payload = isEmpty ? '' : `${this.clientId}-${this.#model.clock.order + 1}`
    const { topic, qos, retain } = step
    const expiry = connection.version === 5 ? step.expiry : 0
    return this.#send(this.#publisher.publish(connection, { topic, payload, qos, retain, expiry }))
  }

  #subscribe(step: SubscribeStep): boolean {
    const { session, version } = this.#open
    const isV5 = version === 5
    // Not for a share: No Local may not be, and what is retained could not be told from what passes by.
    const isShared = splitFilter(step.filter).shareName !== ''
    const noLocal = isV5 && step.noLocal && !isShared
    const retainAsPublished = isV5 && step.retainAsPublished && !isShared
    const retainHandling = isV5 ? step.retainHandling : 0
    const identifier = isV5 ? step.identifier : 0
    const { filter, qos } = step
    this.#model.subscribe(session, { filter, qos, noLocal, retainAsPublished, identifier }, retainHandling)
    const packetId = this.#request([qos])
    const asked = { topicFilter: filter, qos, noLocal, retainAsPublished, retainHandling }
    const packet = { packetId, subscriptionIdentifier: identifier, userProperties: [], filters: [asked] }
    return this.#send(encodeSubscribe(packet, version))
  }

  #unsubscribe({ filter }: StepOf<'unsubscribe'>): boolean {
    const { session, version } = this.#open
    const wasThere = this.#model.unsubscribe(session, filter)
    const reasonCode = wasThere ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted
    const packetId = this.#request(version === 5 ? [reasonCode] : [])
    return this.#send(encodeUnsubscribe({ packetId, userProperties: [], topicFilters: [filter] }, version))
  }

  #request(reasonCodes: readonly number[]): number {
    this.#requestId = this.#requestId === 0xffff ? REQUEST_IDS_FROM : this.#requestId + 1
    this.#requests.push({ packetId: this.#requestId, reasonCodes })
    return this.#requestId
  }

  #answerSome({ first, count, refuses }: StepOf<'answer'>): boolean {
    if (this.#answers.length === 0) return false
    for (const answer of this.#answers.splice(first % this.#answers.length, count))
      this.#answer(answer, refuses)
    return true
  }

  answerAll(): void {
    for (const answer of this.#answers.splice(0)) this.#answer(answer, false)
  }

  #answer({ type, packetId }: Answer, refuses: boolean): void {
    const { session, version } = this.#open
    const isRefusal = refuses && version === 5 && type === PacketType.Pubrec
    if (type === PacketType.Pubrec && !isRefusal) session.recorded(packetId)
    else session.finished(packetId)
    const reasonCode = isRefusal ? ReasonCode.QuotaExceeded : ReasonCode.Success
    this.#send(encodeAnswer(type, packetId, reasonCode, version))
  }

  #disconnect({ reasonCode, expiry }: StepOf<'disconnect'>): boolean {
    const { session, version } = this.#open
    const isV5 = version === 5
    const sessionExpiryInterval = isV5 && session.isDurable ? expiry : undefined
    if (sessionExpiryInterval !== undefined) session.expiry = sessionExpiryInterval
    const packet = isV5 ? { reasonCode, sessionExpiryInterval } : {}
    this.#model.leave(this.clientId, !isV5 || reasonCode === 0)
    this.wire?.send(encodeDisconnect(packet, version))
    return true
  }

  #drop(): boolean {
    this.#model.leave(this.clientId, false)
    this.wire?.drop()
    return true
  }

  #stall(): boolean {
    const connection = this.#open
    if (connection.isStalled) return false
    connection.isStalled = true
    connection.isBehind = true
    this.wire?.stall()
    return true
  }

  #read(): boolean {
    const connection = this.#open
    if (!connection.isStalled) return false
    connection.isStalled = false
    this.wire?.read()
    return true
  }

  #send(bytes: Buffer | undefined): boolean {
    if (bytes === undefined) return false
    const connection = this.#open
    connection.lastHeardAt = this.#model.clock.now
    this.wire?.send(bytes)
    return true
  }

  // What it sees.

  /** Takes what has arrived. */
  observe(): void {
    const chunks = this.wire?.take() ?? []
    const connection = this.#open
    for (const chunk of chunks) {
      this.#frames.push(chunk)
      while (this.#frames.next()) this.#arrived(connection, decode(this.#frames, connection.version))
    }
  }

  /** What it has to say to that at once. True: it has said something. */
  react(): boolean {
    if (!this.#mustResend || !this.isConnected) return false
    this.#mustResend = false
    const packets = this.#publisher.resume(this.#open)
    for (const packet of packets) this.#send(packet)
    return packets.length > 0
  }

  #arrived(connection: Connection, packet: Arrived): void {
    switch (packet.kind) {
      case 'connack':
        return this.#admitted(connection, packet)
      case 'publish':
        connection.session.arrived(connection, packet)
        if (packet.qos === 1) this.#answers.push({ type: PacketType.Puback, packetId: packet.packetId })
        if (packet.qos === 2) this.#answers.push({ type: PacketType.Pubrec, packetId: packet.packetId })
        return
      case 'ack':
        if (packet.type !== PacketType.Pubrel) {
          if (connection.isOpen) this.#publisher.answered(packet.type, packet.packetId, packet.reasonCode)
          return
        }
        connection.session.released(connection, packet.packetId)
        this.#answers.push({ type: PacketType.Pubcomp, packetId: packet.packetId })
        return
      case 'subscribed': {
        const request = this.#requests.shift()
        const { packetId, reasonCodes } = packet
        const isRight = request?.packetId === packetId && request.reasonCodes.join() === reasonCodes.join()
        if (!isRight) breach('acknowledgement', `${JSON.stringify(packet)}, not ${JSON.stringify(request)}`)
        return
      }
      case 'disconnect':
        if (connection.isOpen) breach('liveness', `DISCONNECT with reason code ${packet.reasonCode}`)
    }
  }

  #admitted(connection: Connection, { reasonCode, sessionPresent }: Arrived & { kind: 'connack' }): void {
    if (reasonCode !== 0) breach('liveness', `CONNACK with reason code ${reasonCode}`)
    // MQTT 3.1 has no word for it.
    const expected = connection.sessionPresent && connection.version > 3
    if (sessionPresent !== expected) {
      breach(
        connection.sessionPresent ? 'session expiry' : 'clean start',
        `session present: ${sessionPresent}`,
      )
    }
    connection.hasConnack = true
    this.#mustResend = true
  }

  /** All that was under way has arrived. */
  check(): void {
    const { connection, wire } = this
    if (connection === undefined || wire === undefined) return
    if (!connection.isOpen) {
      if (!wire.isEnded) breach('take-over', `the connection of ${this.clientId} was to end`)
      return
    }
    if (wire.isEnded) breach('liveness', `the connection of ${this.clientId} was closed`)
    if (connection.isStalled) return
    if (!connection.hasConnack) breach('liveness', `no CONNACK for ${this.clientId}`)
    if (this.#requests.length > 0) breach('acknowledgement', 'no SUBACK or UNSUBACK')
    this.#publisher.check()
  }
}
