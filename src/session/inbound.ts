// What a client has begun to give and not finished: the QoS 2 packet ids that are received and not yet released.
// handle-publish.ts and handle-pubrel.ts ask it; a PUBLISH under one of them is a repeat, however often it comes.
//
//   absent -- PUBLISH --> received -- PUBREL --> absent
import type { Store } from '../store/store.ts'

export class Inbound {
  readonly #store: Store
  /** The store's number of the session; 0: not kept. */
  readonly #sessionNumber: number
  /** Bounded by the number of packet ids. Made with the first QoS 2 message. */
  #received: Set<number> | undefined
  /** Those of them that came over an earlier connection and have not come again over this one. */
  #earlier: Set<number> | undefined

  constructor(store: Store, sessionNumber: number, stored: readonly number[] = []) {
    this.#store = store
    this.#sessionNumber = sessionNumber
    if (stored.length > 0) this.#received = new Set(stored)
  }

  /** A new connection: its receive maximum counts what comes over it, repeats of earlier messages too. */
  begin(): void {
    this.#earlier = this.#received && new Set(this.#received)
  }

  /** True the first time that a message of an earlier connection comes, or is released, over this one. */
  isFirstHere(packetId: number): boolean {
    return this.#earlier?.delete(packetId) === true
  }

  has(packetId: number): boolean {
    return this.#received?.has(packetId) === true
  }

  add(packetId: number): void {
    this.#received ??= new Set()
    this.#received.add(packetId)
    if (this.#sessionNumber !== 0) this.#store.putReceived(this.#sessionNumber, packetId)
  }

  /** False: it was not there. */
  delete(packetId: number): boolean {
    if (this.#received?.delete(packetId) !== true) return false
    if (this.#sessionNumber !== 0) this.#store.deleteReceived(this.#sessionNumber, packetId)
    return true
  }
}
