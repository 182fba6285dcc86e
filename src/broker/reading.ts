// Who is not read from, and until when: TCP makes them wait. Asked by dispatch.ts for each chunk.
//
//   held back    a publisher that outruns the disk, or a memory that is short: until there is room
//   postponed    the turn has lasted long enough: in the next one, or in theirs after that, in this order
//   busy         what came last is still being worked through
import type { Pace } from '../base/pace.ts'
import type { Connection } from '../transport/connection.ts'

export class Reading {
  readonly #pace: Pace
  readonly #heldBack = new Set<Connection>()
  readonly #postponed = new Set<Connection>()
  readonly #busy = new Set<Connection>()
  #isScheduled = false
  readonly #nextTurn = (): void => {
    this.#isScheduled = false
    this.#readSome()
  }
  /** The one that was postponed and has its turn: it gets one packet through, whatever else this turn has seen. */
  #current: Connection | undefined

  constructor(pace: Pace) {
    this.#pace = pace
  }

  holdBack(connection: Connection): void {
    this.#heldBack.add(connection)
    connection.pause()
  }

  postpone(connection: Connection): void {
    this.#postponed.add(connection)
    connection.pause()
    this.#schedule()
  }

  keepBusy(connection: Connection): void {
    this.#busy.add(connection)
    connection.pause()
  }

  /** To be called also for one that was not kept busy. */
  release(connection: Connection): void {
    if (this.#busy.delete(connection)) connection.resume()
  }

  /** It is our doing that nothing comes of it, and nobody else is to resume it. */
  isWaiting(connection: Connection): boolean {
    return this.#heldBack.has(connection) || this.#postponed.has(connection) || this.#busy.has(connection)
  }

  /** False: it is to be postponed. */
  mayRead(connection: Connection): boolean {
    return !this.#pace.isSpent || this.#current === connection
  }

  /** There is room again. */
  readOn(): void {
    for (const connection of this.#heldBack) this.#postponed.add(connection)
    this.#heldBack.clear()
    if (this.#pace.isSpent) this.#schedule()
    else this.#readSome()
  }

  forget(connection: Connection): void {
    this.#heldBack.delete(connection)
    this.#postponed.delete(connection)
    this.#busy.delete(connection)
  }

  #readSome(): void {
    for (const connection of this.#postponed) {
      this.#postponed.delete(connection)
      this.#current = connection
      connection.resume()
      if (this.#pace.isSpent) break
    }
    this.#current = undefined
    if (this.#postponed.size > 0) this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#nextTurn)
  }
}
