// The chunk whose frames are being handled: what is kept of it, and what may be sent on in it. dispatch.ts begins and
// ends it; Message.own asks it, and so does encodePublish.
//
//   chunk   | PUBLISH | PUBACK | PUBLISH | PUBLISH |        kept: 1, 3 and 4
//
//   most of it is kept   -> it stays as it is, and its messages lie in it: nothing is copied
//   less than half       -> they move to a slab, so that a few messages don't hold a whole chunk
//
// And a frame that goes out at the quality of service it came in with goes out from where it lies, with flags and
// packet id written over those it had: a run of them is one piece of one write. Only the first receiver's copy, only
// during this call, and only in memory that nobody else may be looking at.
// Measured on pairs at QoS 1, 64 bytes and 1 KiB: see "What helped" in docs/performance.md.
import type { Message } from './message.ts'

const NO_BYTES = Buffer.alloc(0)
/** Chunks up to here share memory with others of their kind, as slabs do: Buffer.poolSize. */
const POOLED_BYTES = 8_192

class ArrivingChunk {
  #bytes: Buffer = NO_BYTES
  #isOurs = false
  #kept: Message[] = []
  #keptBytes = 0

  /** `isOurs`: nobody else has the memory, so that it may be written to. */
  begin(bytes: Buffer, isOurs: boolean): void {
    if (this.#kept.length > 0) this.end()
    this.#bytes = bytes
    this.#isOurs = isOurs
  }

  /** True: where `message` is kept is decided at the end. False: it does not lie in this chunk. */
  keeps(message: Message): boolean {
    if (message.bytes !== this.#bytes) return false
    this.#kept.push(message)
    this.#keptBytes += message.length
    return true
  }

  /** Whether the frame of `message` may be changed. */
  mayChange(message: Message): boolean {
    return message.bytes === this.#bytes && this.#isOurs
  }

  end(): void {
    const kept = this.#kept
    if (kept.length > 0) {
      const { length, buffer } = this.#bytes
      const held = buffer.byteLength > POOLED_BYTES ? buffer.byteLength : length
      if (this.#keptBytes * 2 < held) for (const message of kept) message.moveToSlab()
      kept.length = 0
      this.#keptBytes = 0
    }
    this.#bytes = NO_BYTES
  }
}

/** One: packets are handled one after the other. */
export const arrivingChunk = new ArrivingChunk()
