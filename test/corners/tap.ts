// Takes over what a peer receives, as bytes: for packets that are too many or too large to be decoded one by one.
import type { Peer } from '../kit/peer.ts'

export class Tap {
  readonly #peer: Peer
  #chunks: Buffer[] = []

  /** The peer hears of nothing any more. */
  constructor(peer: Peer) {
    this.#peer = peer
    peer.stream.removeAllListeners('data')
    peer.stream.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
  }

  /** All that has come since the last time, once nothing more is under way. */
  async take(): Promise<Buffer> {
    await this.#peer.settle()
    return Buffer.concat(this.#chunks.splice(0))
  }
}
