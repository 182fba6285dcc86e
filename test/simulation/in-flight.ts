// What has arrived at a client and is not finished: by packet id, over as many connections as it takes.
// Part of session-model.ts, which finds out what a new PUBLISH is; from then on it is here.
import { type Copy, type ModelConnection, misfit } from './copy.ts'
import type { ArrivedPublish } from './packets.ts'
import { breach } from './rules.ts'

export class InFlight {
  readonly #copies = new Map<number, Copy>()
  #seen = 0

  get(packetId: number): Copy | undefined {
    return this.#copies.get(packetId)
  }

  /** `copy` has arrived for the first time. */
  add(connection: ModelConnection, packetId: number, copy: Copy): void {
    copy.phase = 'sent'
    copy.packetId = packetId
    copy.seenAt = ++this.#seen
    copy.isIdentified = connection.version === 5 && !copy.hasTwin
    this.#copies.set(packetId, copy)
    this.#sentOn(connection, copy)
  }

  /** PUBLISH under a packet id that is in flight. */
  arrivedAgain(connection: ModelConnection, packet: ArrivedPublish, copy: Copy): void {
    const { packetId, payload, topic } = packet
    const what = `PUBLISH of ${payload} to ${topic} under packet id ${packetId}`
    if (!copy.isOf(packet) || copy.terms.qos !== packet.qos) {
      breach('packet id', `${what}, which is in flight for ${copy.publication.payload}`)
    }
    if (copy.phase === 'received') breach('exactly once', `${what} after its PUBREC`)
    if (copy.connection === connection) breach('redelivery', `${what}, twice on one connection`)
    if (!packet.dup) breach('DUP', `${what} is a repeat and does not say so`)
    const wrong = misfit(packet, copy.terms, connection)
    // It may have been taken for another.
    const isExcused = wrong === 'subscription identifier' && !copy.isIdentified
    if (wrong !== undefined && !isExcused) breach(wrong, `${what}, which was another before`)
    if (copy.seenAt < connection.lastRepeated) breach('redelivery', `${what} after a later one`)
    connection.lastRepeated = copy.seenAt
    this.#sentOn(connection, copy)
  }

  #sentOn(connection: ModelConnection, copy: Copy): void {
    copy.connection = connection
    copy.publishedOn = connection
    let unacknowledged = 0
    for (const other of this.#copies.values()) if (other.publishedOn === connection) unacknowledged++
    if (unacknowledged > connection.receiveMaximum) {
      breach('receive maximum', `${unacknowledged} unacknowledged, ${connection.receiveMaximum} allowed`)
    }
  }

  /** PUBREC. */
  recorded(packetId: number): void {
    const copy = this.#copies.get(packetId)
    if (copy === undefined) return
    copy.phase = 'received'
    copy.awaitsRelease = true
  }

  /** PUBREL has arrived. */
  released(connection: ModelConnection, packetId: number): void {
    const copy = this.#copies.get(packetId)
    if (copy?.phase !== 'received') breach('release', `PUBREL of packet id ${packetId}, which had no PUBREC`)
    copy.awaitsRelease = false
    copy.connection = connection
  }

  /** PUBACK, PUBCOMP or a refusal: the copy is done with. */
  take(packetId: number): Copy | undefined {
    const copy = this.#copies.get(packetId)
    if (copy !== undefined) copy.phase = 'done'
    this.#copies.delete(packetId)
    return copy
  }

  /** How many of this connection are not finished, and the first place in the queue of all that are not. */
  check(connection: ModelConnection): { outstanding: number; oldest: number } {
    let outstanding = 0
    let oldest = Number.POSITIVE_INFINITY
    for (const copy of this.#copies.values()) {
      if (copy.place < oldest) oldest = copy.place
      if (copy.connection !== connection) continue
      outstanding++
      if (copy.awaitsRelease) breach('release', `no PUBREL for packet id ${copy.packetId}`)
    }
    return { outstanding, oldest }
  }
}
