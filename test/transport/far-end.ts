// The stream that a connection writes to: notes each write as the system would see it.
import { Duplex } from 'node:stream'

export class FarEnd extends Duplex {
  /** All bytes of one write each. */
  readonly writes: Buffer[] = []
  /** As they were handed over. */
  readonly pieces: Buffer[] = []
  isSlow = false
  #taken: () => void = () => {}

  constructor() {
    super({ writableHighWaterMark: 1_000, allowHalfOpen: true })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#note([chunk], callback)
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    const pieces = chunks.map(({ chunk }) => chunk)
    this.#note(pieces, callback)
  }

  /** What a slow one has been given is gone. */
  takeAll(): void {
    this.#taken()
  }

  #note(pieces: Buffer[], callback: () => void): void {
    this.pieces.push(...pieces)
    this.writes.push(Buffer.concat(pieces))
    if (this.isSlow) this.#taken = callback
    else callback()
  }
}
