// A WebSocket as a stream of bytes: where its frames begin and end means nothing to MQTT [v5 MQTT-6.0.0-2]
// [v3.1.1 MQTT-6.0.0-2]. Between ws, which knows frames, and connection.ts, which knows packets.
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { SMALL_BYTES } from './output.ts'

const CloseCode = { Normal: 1000, UnsupportedData: 1003, TooLarge: 1009 } as const

/** What a message that is not whole may take besides what it holds, in bytes: the frames around it. */
const FRAMING_BYTES = 65_536
/** For the close frame to leave, and the peer's to come. */
const CLOSE_GRACE_MS = 2_000

export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket
  /** Bytes that came and were in no whole message yet. */
  #unfinished = 0

  /** `bytes` is the stream below; `messageBytesMax` is asked how large a message may be by now. */
  constructor(socket: WebSocket, bytes: Duplex, messageBytesMax: () => number) {
    super()
    this.#socket = socket
    socket.on('message', (data: Buffer, isBinary) => this.#received(data, isBinary))
    socket.on('close', () => this.#ended())
    // ws has told the peer already.
    socket.on('error', (error) => this.destroy(error))
    // ws gathers a message before it hands it on, and knows one limit for good: before CONNECT there is less room.
    bytes.on('data', (chunk: Buffer) => {
      this.#unfinished += chunk.length
      if (this.#unfinished > messageBytesMax() + FRAMING_BYTES) {
        this.#refuse(CloseCode.TooLarge, 'a WebSocket message is too large')
      }
    })
  }

  #received(data: Buffer, isBinary: boolean): void {
    this.#unfinished = 0
    if (this.destroyed || this.writableEnded) return
    // [v5 MQTT-6.0.0-1] [v3.1.1 MQTT-6.0.0-1]
    if (!isBinary) return this.#refuse(CloseCode.UnsupportedData, 'a WebSocket message is text')
    if (data.length > 0 && !this.push(data)) this.#socket.pause()
  }

  #refuse(code: number, why: string): void {
    if (this.destroyed) return
    this.#socket.close(code, why)
    this.destroy(new Error(why))
  }

  #ended(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null)
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A small one is copied, so that the memory that it stands in serves again: see Reuse.
    this.#socket.send(chunk.length <= SMALL_BYTES ? Buffer.from(chunk) : chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.close(CloseCode.Normal)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error === null) this.#socket.terminate()
    else setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS).unref()
    done(error)
  }
}
