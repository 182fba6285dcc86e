// An HTTP server on the loopback address, which answers as it is told and remembers what it was asked.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface Asked {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface HttpAnswer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

type Answer = HttpAnswer | Promise<HttpAnswer> | 'hang up'

export class HttpServer {
  readonly asked: Asked[] = []
  answer: (asked: Asked) => Answer
  port = 0
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  connections = 0

  private constructor(answer: (asked: Asked) => Answer) {
    this.answer = answer
    this.#server.on('connection', () => this.connections++)
  }

  /** Closed when the test is over. */
  static async open(answer: (asked: Asked) => Answer): Promise<HttpServer> {
    const made = new HttpServer(answer)
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve))
    made.port = (made.#server.address() as AddressInfo).port
    onTestFinished(() => made.close())
    return made
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(
    request: IncomingMessage,
    response: Parameters<Parameters<typeof createServer>[1] & object>[1],
  ): Promise<void> {
    const { method, url, headers } = request
    const asked = { method, url, headers, body: await text(request) }
    this.asked.push(asked)
    const answer = await this.answer(asked)
    if (answer === 'hang up') response.destroy()
    else response.writeHead(answer.status ?? 200, answer.headers).end(answer.body)
  }
}
