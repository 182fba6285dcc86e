// From the database of an Aedes broker into an empty data folder. Called by cli/import-aedes-command.ts; what it reads
// comes from session-reader.ts and values.ts, what it writes goes through store/importer.ts.
import { SESSION_NEVER_EXPIRES } from '../packet/protocol.ts'
import { sequenceOf } from '../session/packet-ids.ts'
import { Delivery } from '../store/delivery.ts'
import type { StoreImporter } from '../store/importer.ts'
import { UNCLAIMED } from '../store/store.ts'
import type { AedesDatabase } from './database.ts'
import { clientIdOfKey, endOf, KINDS, Kind, rangeOf } from './keys.ts'
import { LeftOut } from './left-out.ts'
import { type AedesDelivery, type AedesSession, SessionReader } from './session-reader.ts'
import { decodeRow, messageOf, willOf } from './values.ts'

/** What was taken over. */
export interface TakenOver {
  sessions: number
  subscriptions: number
  /** Messages that were not sent yet. */
  queued: number
  /** Sent and not acknowledged, or received and not completed. */
  inFlight: number
  receivedPacketIds: number
  retained: number
  wills: number
}

export interface TakeOverOptions {
  /** Seconds; SESSION_NEVER_EXPIRES as Aedes has it. */
  readonly sessionExpiryInterval: number
  /** Milliseconds since the epoch: when sessions begin to expire. */
  readonly now: number
  readonly onProgress: (soFar: Readonly<TakenOver>) => void
}

/** The importer is to be closed afterwards, or abandoned when this rejects. */
export async function takeOver(
  database: AedesDatabase,
  importer: StoreImporter,
  options: TakeOverOptions,
): Promise<{ readonly taken: TakenOver; readonly leftOut: LeftOut }> {
  const taking = new TakingOver(database, importer, options)
  await taking.takeSessions()
  await taking.takeRetained()
  await taking.takeWills()
  await taking.countOtherRows()
  return taking
}

class TakingOver {
  readonly leftOut = new LeftOut()
  readonly taken: TakenOver = {
    sessions: 0,
    subscriptions: 0,
    queued: 0,
    inFlight: 0,
    receivedPacketIds: 0,
    retained: 0,
    wills: 0,
  }
  readonly #database: AedesDatabase
  readonly #importer: StoreImporter
  readonly #options: TakeOverOptions

  constructor(database: AedesDatabase, importer: StoreImporter, options: TakeOverOptions) {
    this.#database = database
    this.#importer = importer
    this.#options = options
  }

  async takeSessions(): Promise<void> {
    const reader = new SessionReader(this.#database, this.leftOut)
    for (const session of await reader.sessions()) {
      const number = this.#importer.nextSessionNumber()
      const { sentBefore } = await this.#takeQueue(number, reader.queue(session))
      await this.#takeSession(session, number, sentBefore)
    }
  }

  /** Packet ids follow the sequence: one that was given leaves a gap up to the next sequence that goes by it. */
  async #takeQueue(number: number, queue: AsyncIterable<AedesDelivery>): Promise<{ sentBefore: number }> {
    let tail = 0
    let sentBefore = 0
    for await (const { message, qos, retain, packetId } of queue) {
      const sequence = packetId === undefined ? tail : sequenceOf(packetId, tail)
      await this.#importer.enqueue(number, new Delivery(sequence, message, qos, retain, undefined))
      tail = sequence + 1
      if (packetId === undefined) this.taken.queued++
      else {
        sentBefore = tail
        this.taken.inFlight++
      }
      this.#options.onProgress(this.taken)
    }
    return { sentBefore }
  }

  async #takeSession(session: AedesSession, number: number, sentBefore: number): Promise<void> {
    const { clientId, subscriptions, receivedPacketIds } = session
    const { sessionExpiryInterval: expiryInterval, now } = this.#options
    const expiresAt =
      expiryInterval === SESSION_NEVER_EXPIRES ? Number.POSITIVE_INFINITY : now + expiryInterval * 1000
    const identity = UNCLAIMED
    for (const subscription of subscriptions) await this.#importer.putSubscription(number, subscription)
    for (const packetId of receivedPacketIds) await this.#importer.putReceived(number, packetId)
    await this.#importer.putSession({ number, clientId, identity, expiryInterval, expiresAt, sentBefore })
    this.taken.sessions++
    this.taken.subscriptions += subscriptions.length
    this.taken.receivedPacketIds += receivedPacketIds.length
  }

  async takeRetained(): Promise<void> {
    for await (const [, value] of this.#database.entries(rangeOf(Kind.Retained))) {
      const row = decodeRow(value, 'retained messages', this.leftOut)
      const message = row && messageOf(row, 'retained messages', this.leftOut)
      if (message === undefined) continue
      await this.#importer.putRetained(message)
      this.taken.retained++
      this.#options.onProgress(this.taken)
    }
  }

  async takeWills(): Promise<void> {
    for await (const [key, value] of this.#database.entries(rangeOf(Kind.Will))) {
      const clientId = clientIdOfKey(Kind.Will, key)
      const row = decodeRow(value, 'wills', this.leftOut)
      const will = row && willOf(row, this.leftOut)
      if (clientId === undefined) this.leftOut.count('wills whose client id cannot be read')
      if (clientId === undefined || will === undefined) continue
      await this.#importer.putWill(clientId, will)
      this.taken.wills++
    }
  }

  /** Aedes may have shared its database with other users of it. */
  async countOtherRows(): Promise<void> {
    let rows = 0
    let gte = ''
    for (const kind of KINDS) {
      rows += await this.#database.count({ gte, lt: kind })
      gte = endOf(kind)
    }
    rows += await this.#database.count({ gte })
    if (rows > 0) this.leftOut.count('rows that are not of aedes-persistence-level', rows)
  }
}
