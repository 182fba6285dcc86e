// Aedes keeps no sessions, only what belongs to them: put together here, each with its queue in the order in which
// it is to be sent. Called by cli/import-aedes.ts, between database.ts and the store that it goes into.
import type { Message } from '../packet/message.ts'
import { lowerQos, type Qos } from '../packet/protocol.ts'
import type { SubscriptionRecord } from '../store/store.ts'
import { filterMatches } from '../topic/filter-matches.ts'
import type { AedesDatabase } from './database.ts'
import { clientIdOfKey, clientPrefix, endOf, Kind, outgoingKey, packetIdOfKey, rangeOf } from './keys.ts'
import type { LeftOut } from './left-out.ts'
import { decodeRow, messageOf, type Row, subscriptionOf } from './values.ts'

export interface AedesSession {
  readonly clientId: string
  readonly subscriptions: SubscriptionRecord[]
  /** Of QoS 2 messages that the client has not released. */
  readonly receivedPacketIds: number[]
}

/** One message of a queue. */
export interface AedesDelivery {
  /** Undefined: the client has it, and only its packet id is not free yet. */
  readonly message: Message | undefined
  readonly qos: 1 | 2
  readonly retain: boolean
  /** Under which it was sent; undefined: it was not. */
  readonly packetId: number | undefined
}

const PACKET_IDS = 65_535
const QUEUED = 'queued messages'
/** Topic names of one queue whose subscriptions are remembered. */
const TOPICS_MAX = 10_000

export class SessionReader {
  readonly #database: AedesDatabase
  readonly #leftOut: LeftOut

  constructor(database: AedesDatabase, leftOut: LeftOut) {
    this.#database = database
    this.#leftOut = leftOut
  }

  /** All of them: a broker has them in memory too. */
  async sessions(): Promise<Iterable<AedesSession>> {
    const sessions = new Map<string, AedesSession>()
    for await (const [clientId, , value] of this.#clientEntries(Kind.Subscriptions)) {
      const row = decodeRow(value, 'subscriptions', this.#leftOut)
      const subscription = row && subscriptionOf(row, this.#leftOut)
      if (subscription !== undefined) sessionIn(sessions, clientId).subscriptions.push(subscription)
    }
    for await (const [clientId, key] of this.#clientEntries(Kind.Incoming)) {
      const packetId = packetIdOfKey(key)
      if (isPacketId(packetId)) sessionIn(sessions, clientId).receivedPacketIds.push(packetId)
      else this.#leftOut.count('received packet ids that cannot be read')
    }
    for await (const clientId of this.#clientsWithQueue()) sessionIn(sessions, clientId)
    return sessions.values()
  }

  /**
   * First what was sent and not acknowledged, by packet id, going round from that of the oldest; then what waits, in
   * the order of Aedes's keys: by broker id, then as it was published.
   */
  async *queue(session: AedesSession): AsyncGenerator<AedesDelivery> {
    const prefix = clientPrefix(Kind.Outgoing, session.clientId)
    const sent = await this.#sentKeys(session.clientId)
    const oldest = sent.get([...sent.keys()].sort()[0] ?? '') ?? 0
    const turn = (packetId: number): number => (packetId - oldest + PACKET_IDS) % PACKET_IDS
    for (const [key, packetId] of [...sent].sort(([, a], [, b]) => turn(a) - turn(b))) {
      const value = await this.#database.get(key)
      const row = value && decodeRow(value, QUEUED, this.#leftOut)
      // A broker with an id of its own counts from 1 at each start: what was sent under that id may be another message.
      const isOther = row !== undefined && row.get('messageId') !== packetId
      if (isOther) sent.delete(key)
      const delivery = row === undefined || isOther ? undefined : this.#sentDelivery(row, packetId)
      if (delivery !== undefined) yield delivery
    }
    const wanted = new WantedDelivery(session.subscriptions)
    for await (const [key, value] of this.#database.entries(rangeOf(prefix))) {
      if (sent.has(key)) continue
      const delivery = this.#waitingDelivery(value, wanted)
      if (delivery !== undefined) yield delivery
    }
  }

  /** Keys of the queue's rows that were sent, with their packet ids; at most as many as there are of those. */
  async #sentKeys(clientId: string): Promise<Map<string, number>> {
    const sent = new Map<string, number>()
    const range = rangeOf(clientPrefix(Kind.OutgoingId, clientId))
    for await (const [key, value] of this.#database.entries(range)) {
      const row = decodeRow(value, 'packet ids', this.#leftOut)
      const brokerId = row?.get('brokerId')
      const counter = row?.get('brokerCounter')
      if (typeof brokerId !== 'string' || typeof counter !== 'number') continue
      const packetId = packetIdOfKey(key)
      if (isPacketId(packetId)) sent.set(outgoingKey(clientId, brokerId, counter), packetId)
    }
    return sent
  }

  /** As it was sent: a client may hold its packet id. */
  #sentDelivery(row: Row, packetId: number): AedesDelivery | undefined {
    if (row.get('cmd') === 'pubrel') return { message: undefined, qos: 2, retain: false, packetId }
    const message = messageOf(row, QUEUED, this.#leftOut)
    if (message === undefined) return undefined
    const { qos, retain } = message
    if (qos === 0) return this.#leftOut.count(`${QUEUED} of QoS 0`)
    return { message, qos, retain, packetId }
  }

  /** As its subscriptions want it, which Aedes looks at only for those who are connected. */
  #waitingDelivery(value: Buffer, wanted: WantedDelivery): AedesDelivery | undefined {
    const row = decodeRow(value, QUEUED, this.#leftOut)
    if (row === undefined) return undefined
    if (row.get('cmd') === 'pubrel') return this.#leftOut.count('releases of packet ids that were used again')
    const message = messageOf(row, QUEUED, this.#leftOut)
    if (message === undefined) return undefined
    const { qosMax, keepsRetain } = wanted.for(message.topicName)
    const qos = lowerQos(message.qos, qosMax)
    if (qos === 0) return this.#leftOut.count(`${QUEUED} of QoS 0, or for subscriptions of QoS 0`)
    return { message, qos, retain: message.retain && keepsRetain, packetId: undefined }
  }

  async *#clientEntries(kind: Kind): AsyncGenerator<readonly [clientId: string, key: string, value: Buffer]> {
    for await (const [key, value] of this.#database.entries(rangeOf(kind))) {
      const clientId = clientIdOfKey(kind, key)
      if (clientId === undefined) this.#leftOut.count('rows whose client id cannot be read')
      else yield [clientId, key, value]
    }
  }

  /** From client to client, whatever the length of their queues. */
  async *#clientsWithQueue(): AsyncGenerator<string> {
    for (let range = rangeOf(Kind.Outgoing); ; ) {
      const key = await this.#database.firstKey(range)
      if (key === undefined) return
      const clientId = clientIdOfKey(Kind.Outgoing, key)
      if (clientId === undefined) this.#leftOut.count('rows whose client id cannot be read')
      else yield clientId
      const end = key.indexOf(':', Kind.Outgoing.length)
      range = { ...range, gte: end === -1 ? `${key}\0` : endOf(key.slice(0, end + 1)) }
    }
  }
}

interface Wanted {
  readonly qosMax: Qos
  /** A subscription wants the RETAIN flag as it was published. */
  readonly keepsRetain: boolean
}

/** How a session wants the messages of a topic; those that no subscription is left for stay as they are. */
class WantedDelivery {
  readonly #subscriptions: readonly SubscriptionRecord[]
  readonly #byTopicName = new Map<string, Wanted>()

  constructor(subscriptions: readonly SubscriptionRecord[]) {
    this.#subscriptions = subscriptions
  }

  for(topicName: string): Wanted {
    const known = this.#byTopicName.get(topicName)
    if (known !== undefined) return known
    const matching = this.#subscriptions.filter(({ topicFilter }) => filterMatches(topicFilter, topicName))
    const qosMax = Math.max(...matching.map(({ qos }) => qos))
    const wanted = {
      qosMax: matching.length === 0 ? 2 : (qosMax as Qos),
      keepsRetain: matching.some(({ retainAsPublished }) => retainAsPublished),
    }
    if (this.#byTopicName.size === TOPICS_MAX) this.#byTopicName.clear()
    this.#byTopicName.set(topicName, wanted)
    return wanted
  }
}

function sessionIn(sessions: Map<string, AedesSession>, clientId: string): AedesSession {
  const session = sessions.get(clientId) ?? { clientId, subscriptions: [], receivedPacketIds: [] }
  sessions.set(clientId, session)
  return session
}

const isPacketId = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= PACKET_IDS
