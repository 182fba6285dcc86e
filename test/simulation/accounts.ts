// The books of a broker that never has enough room: what it owes is what clients have, what it has counted as dropped
// and what waits, to the message, whatever its bounds, its policies and its clients do. Bounds and habits by seed.
//
//   owed = received + dropped + waiting        while everybody reads; once it was restarted, when all is drained
//   dead letters + withheld = dropped
//
// What a client has answered well it has received, and of QoS 0 what was written to its wire.
import type { ConfigInput } from '../../src/config/schema.ts'
import { encodeConnect } from '../../src/packet/connect.ts'
import { FrameSplitter } from '../../src/packet/frame-splitter.ts'
import { PacketType, type Qos } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { encodeSubscribe } from '../../src/packet/subscribe.ts'
import { encodeUnsubscribe } from '../../src/packet/unsubscribe.ts'
import { DropReason } from '../../src/session/drops.ts'
import { openBroker, type StoreKind, type TestBroker } from '../kit/test-broker.ts'
import { type Arrived, decode, encodeAnswer } from './packets.ts'
import { Random } from './random.ts'
import { Wire } from './wire.ts'

const READERS = 5
const TOPICS = ['a', 'b']
const FILTERS = ['a', 'b', '+', '$share/g/a', '$share/g/b']
const PAYLOAD_BYTES = [1, 1, 1, 40, 400, 5_000]
/** No sum of these is an expiry below: what is due and what is not is never in doubt. */
const MILLISECONDS = [1_300, 4_300, 9_300]
const EXPIRIES = [0, 7, 20, 100_000]
/** Not a sleep: how long books that are wrong may still become right, as what a session leaves on the disk is swept. */
const PATIENCE_MS = 10_000
/** After a restart nothing waits by estimate: so often it must look like that. */
const QUIET_ROUNDS = 5

const POLICIES = ['drop-newest', 'drop-oldest', 'reject', 'disconnect'] as const

const configFor = (random: Random): ConfigInput => ({
  system: { intervalSeconds: 3_600 },
  limits: {
    queueMessagesMax: random.pick([2, 5, 20]),
    queueBytesMax: random.pick([2_000, 20_000, 1_000_000]),
    queuedMessagesMax: random.pick([8, 1_000]),
    queueWindow: random.pick([2, 7, 100]),
    inFlightMax: random.pick([2, 100]),
    outputBytesMax: random.pick([1_024, 20_000]),
  },
  overflow: { policy: random.pick(POLICIES), queueQos0: random.chance(50) },
  deadLetters: {
    topic: 'dead/%t',
    reasons: Object.values(DropReason).filter((reason) => reason !== DropReason.Rejected),
    messagesPerSecondMax: random.pick([2, 1_000_000]),
  },
})

/** One client: its session, its connection, and what it has to answer. */
class Reader {
  readonly clientId: string
  /** Topic filters of its session; undefined: it has none. */
  session: Set<string> | undefined
  expiry = 0
  expiresAt = Number.POSITIVE_INFINITY
  wire: Wire | undefined
  /** Packet ids of QoS 2 messages that it has and that are not finished: the broker counts them as waiting. */
  readonly unreleased = new Set<number>()
  unanswered: { readonly packetId: number; readonly qos: Qos }[] = []
  #frames = new FrameSplitter()

  constructor(number: number) {
    this.clientId = `reader ${number}`
  }

  begin(wire: Wire): void {
    this.wire = wire
    this.#frames = new FrameSplitter()
  }

  /** The connection has ended. */
  left(now: number): void {
    this.wire = undefined
    this.unanswered = []
    this.expiresAt = now + this.expiry * 1000
    if (this.expiry === 0) this.end()
  }

  end(): void {
    this.session = undefined
    this.unreleased.clear()
  }

  take(wire: Wire): Arrived[] {
    const arrived: Arrived[] = []
    for (const chunk of wire.take()) {
      this.#frames.push(chunk)
      while (this.#frames.next()) arrived.push(decode(this.#frames, 5))
    }
    return arrived
  }
}

export class Accounts {
  readonly #kit: TestBroker
  readonly #random: Random
  readonly #readers = Array.from({ length: READERS }, (_, number) => new Reader(number))
  #owed = 0
  #received = 0
  /** By brokers that have been closed. */
  #droppedBefore = 0
  #letters = 0
  #isRestarted = false
  readonly #isInMemory: boolean

  private constructor(kit: TestBroker, random: Random, isInMemory: boolean) {
    this.#kit = kit
    this.#isInMemory = isInMemory
    this.#random = random
    this.#watchDeadLetters()
  }

  static async open(seed: number, store: StoreKind): Promise<Accounts> {
    const random = new Random(seed)
    return new Accounts(await openBroker({ store, ...configFor(random) }), random, store === 'memory')
  }

  /** Throws where the books are wrong. */
  async run(steps: number, canRestart: boolean): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#step(canRestart)
      // QoS 0 for who does not read is neither here nor there.
      const isUnread = this.#readers.some(({ wire }) => wire?.isStalled)
      if (!this.#isRestarted && !isUnread) await this.#check(`step ${step}`)
    }
    await this.#drain()
    await this.#check('the end')
  }

  async #step(canRestart: boolean): Promise<void> {
    const random = this.#random
    const reader = random.pick(this.#readers)
    const { wire } = reader
    const dice = random.below(100)
    if (dice < 45) await this.#publish()
    else if (dice < 48) this.#advance(random.pick(MILLISECONDS))
    else if (dice < 49 && canRestart) await this.#restart()
    else if (wire === undefined || dice < 54) this.#connect(reader)
    // Who does not take answers is not read from either, after a while.
    else if (wire.isStalled) dice < 85 ? wire.read() : this.#leave(reader, wire)
    else if (dice < 62) this.#subscribe(reader, wire)
    else if (dice < 65) this.#unsubscribe(reader, wire)
    else if (dice < 72) wire.stall()
    else if (dice < 78) this.#leave(reader, wire)
    else this.#answer(reader, wire, 1 + random.below(8), random.chance(10))
    await this.#settle()
  }

  async #publish(): Promise<void> {
    const random = this.#random
    const topicName = random.pick(TOPICS)
    const qos = random.below(3) as Qos
    const payload = 'x'.repeat(random.pick(PAYLOAD_BYTES))
    const lifetime = random.chance(20) ? { messageExpiryInterval: random.pick([0, 2, 10]) } : {}
    const isOwed = ({ session }: Reader) => session?.has(topicName) === true || session?.has('+') === true
    const isShared = this.#readers.some(({ session }) => session?.has(`$share/g/${topicName}`))
    const copies = this.#readers.filter(isOwed).length + (isShared ? 1 : 0)
    const { broker } = this.#kit
    const refused = broker.publish({ topicName, qos, payload, ...lifetime }).then(
      () => false,
      () => true,
    )
    if (!(await refused)) this.#owed += copies
  }

  #advance(milliseconds: number): void {
    this.#kit.clock.advance(milliseconds)
    const now = this.#kit.clock.now()
    for (const reader of this.#readers) {
      if (reader.wire === undefined && reader.expiresAt <= now) reader.end()
    }
  }

  async #restart(): Promise<void> {
    const { broker } = this.#kit
    await this.#kit.close()
    this.#isRestarted = true // What a queue holds is an estimate from here on.
    for (const reader of this.#readers) if (reader.wire !== undefined) this.#ended(reader, reader.wire)
    this.#droppedBefore += droppedBy(broker.drops)
    await this.#kit.open()
    this.#watchDeadLetters()
  }

  /** One that is connected gives way to itself. */
  #connect(reader: Reader, isGood = false): void {
    const random = this.#random
    const cleanStart = !isGood && random.chance(15)
    const old = reader.wire
    const wire = new Wire(() => {})
    this.#kit.broker.attach(wire.asDuplex)
    if (old !== undefined && reader.expiry === 0) reader.end()
    if (cleanStart) reader.end()
    reader.session ??= new Set()
    reader.expiry = isGood ? 100_000 : random.pick(EXPIRIES)
    const received = {
      receiveMaximum: isGood ? 65_535 : random.pick([1, 3, 65_535]),
      maximumPacketSize: isGood ? 1_000_000 : random.pick([100, 1_000_000]),
    }
    const { clientId, expiry: sessionExpiryInterval } = reader
    wire.send(encodeConnect({ version: 5, clientId, cleanStart, sessionExpiryInterval, ...received }))
    if (old !== undefined) this.#lastOf(reader, old)
    reader.unanswered = []
    reader.begin(wire)
  }

  #subscribe(reader: Reader, wire: Wire): void {
    const topicFilter = this.#random.pick(FILTERS)
    const qos = this.#random.below(3) as Qos
    const filter = { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const packet = { packetId: 1, subscriptionIdentifier: 0, userProperties: [], filters: [filter] }
    reader.session?.add(topicFilter)
    wire.send(encodeSubscribe(packet, 5))
  }

  #unsubscribe(reader: Reader, wire: Wire): void {
    const topicFilter = this.#random.pick(FILTERS)
    reader.session?.delete(topicFilter)
    wire.send(encodeUnsubscribe({ packetId: 2, userProperties: [], topicFilters: [topicFilter] }, 5))
  }

  /** The network goes. */
  #leave(reader: Reader, wire: Wire): void {
    this.#lastOf(reader, wire)
    wire.drop()
    reader.left(this.#kit.clock.now())
  }

  /** The broker has closed the connection. */
  #ended(reader: Reader, wire: Wire): void {
    this.#lastOf(reader, wire)
    reader.left(this.#kit.clock.now())
  }

  /** What was written of QoS 0 is sent, read or not; all else comes again. */
  #lastOf(reader: Reader, wire: Wire): void {
    wire.isStalled = false
    for (const packet of reader.take(wire))
      if (packet.kind === 'publish' && packet.qos === 0) this.#received++
  }

  #answer(reader: Reader, wire: Wire, count: number, isRefused: boolean): void {
    const reasonCode = isRefused ? ReasonCode.QuotaExceeded : ReasonCode.Success
    for (const { packetId, qos } of reader.unanswered.splice(0, count)) {
      if (!isRefused) this.#received++
      if (!isRefused && qos === 2) reader.unreleased.add(packetId)
      wire.send(encodeAnswer(qos === 1 ? PacketType.Puback : PacketType.Pubrec, packetId, reasonCode, 5))
    }
  }

  /** Until nothing arrives any more. */
  async #settle(): Promise<void> {
    for (let hasMoved = true; hasMoved; ) {
      await this.#kit.settle()
      hasMoved = false
      for (const reader of this.#readers) if (this.#look(reader)) hasMoved = true
    }
  }

  #look(reader: Reader): boolean {
    const { wire } = reader
    if (wire === undefined) return false
    if (wire.isEnded) {
      this.#ended(reader, wire)
      return true
    }
    const arrived = reader.take(wire)
    for (const packet of arrived) this.#arrived(reader, wire, packet)
    return arrived.length > 0
  }

  #arrived(reader: Reader, wire: Wire, packet: Arrived): void {
    if (packet.kind === 'publish') {
      if (packet.qos === 0) this.#received++
      else reader.unanswered.push(packet)
    } else if (packet.kind === 'ack' && packet.type === PacketType.Pubrel) {
      reader.unreleased.delete(packet.packetId)
      wire.send(encodeAnswer(PacketType.Pubcomp, packet.packetId, ReasonCode.Success, 5))
    }
  }

  async #drain(): Promise<void> {
    for (const reader of this.#readers) if (reader.session !== undefined) this.#connect(reader, true)
    const deadline = Date.now() + PATIENCE_MS
    for (let quietRounds = 0; quietRounds < QUIET_ROUNDS; quietRounds++) {
      await this.#settle()
      const left = await this.#figure('store/messages/count')
      if (left > 0 || this.#readers.some(({ unanswered }) => unanswered.length > 0)) quietRounds = -1
      if (Date.now() > deadline) throw new Error(`${left} messages do not come`)
      for (const reader of this.#readers) {
        if (reader.wire !== undefined) this.#answer(reader, reader.wire, Number.POSITIVE_INFINITY, false)
      }
    }
  }

  async #check(when: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      await this.#settle()
      const problem = await this.#problem()
      if (problem === undefined) return
      // In memory nothing goes on by itself.
      if (this.#kit.store.isIdle && (this.#isInMemory || Date.now() > deadline)) {
        throw new Error(`at ${when}: ${problem}`)
      }
    }
  }

  async #problem(): Promise<string | undefined> {
    const waiting = await this.#figure('store/messages/count')
    const withheld = await this.#figure('dead letters/withheld')
    const unreleased = this.#readers.reduce((sum, reader) => sum + reader.unreleased.size, 0)
    const { drops } = this.#kit.broker
    const dropped = droppedBy(drops) + this.#droppedBefore
    const found = this.#received + dropped + waiting - unreleased
    const owed = this.#owed
    if (found !== owed) {
      const facts = { owed, found, received: this.#received, waiting, unreleased, dropped, drops: [...drops] }
      return JSON.stringify(facts)
    }
    if (this.#isRestarted || this.#letters + withheld === dropped) return undefined
    return JSON.stringify({ letters: this.#letters, withheld, dropped, drops: [...drops] })
  }

  async #figure(name: string): Promise<number> {
    let value = Number.NaN
    const { broker } = this.#kit
    const subscription = broker.subscribe(`$SYS/broker/${name}`, ({ payload }) => {
      value = Number(payload)
    })
    await this.#kit.settle()
    subscription.unsubscribe()
    return value
  }

  #watchDeadLetters(): void {
    this.#kit.broker.subscribe(
      'dead/#',
      () => {
        this.#letters++
      },
      0,
    )
  }
}

/** Copies that a session was to have: what is not taken from its publisher is nobody's. */
function droppedBy(drops: ReadonlyMap<DropReason, number>): number {
  let total = 0
  for (const [reason, messages] of drops) if (reason !== DropReason.Rejected) total += messages
  return total
}
