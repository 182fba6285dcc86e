// A conversation that reads like the protocol:
//
//   await flow(peer).send(connect('c')).receive(connack()).send(publish1(1, 'a', 'x')).receive(puback(1))
//
// Each step begins when the one before it has ended; awaiting the flow waits for the last.
import { expect } from 'vitest'
import { pingreq, pingresp, type Said, type Sendable } from './packets.ts'
import type { Peer } from './peer.ts'

/** Long enough for what is under way in the process to arrive. */
const TURNS = 4
/** More than anything in a test takes: that it goes on for ever is what the test will say. */
const TURNS_MAX = 10_000

/** So many turns of the event loop; without a number what is under way in it has happened. */
export async function turns(count?: number): Promise<void> {
  for (let i = 0; i < (count ?? TURNS); i++) await turn()
  // Much at once is done over many turns: each asks for the next one.
  for (let i = 0; count === undefined && i < TURNS_MAX && isGoingOn(); i++) await turn()
}

/** Those of us who wait for the next turn. */
let waiting = 0

async function turn(): Promise<void> {
  waiting++
  await new Promise<void>((resolve) => setImmediate(resolve))
  waiting--
}

const isGoingOn = (): boolean =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length > waiting

export const flow = (peer: Peer): Flow => new Flow(peer)

export class Flow implements PromiseLike<undefined> {
  readonly #peer: Peer
  #steps: Promise<undefined> = Promise.resolve(undefined)

  constructor(peer: Peer) {
    this.#peer = peer
  }

  send(...packets: Sendable[]): this {
    return this.#then(async () => this.#peer.send(...packets))
  }

  /** These and no others, in this order. */
  receive(...expected: Said[]): this {
    const caller = new Error('in this step')
    return this.#then(async () => {
      for (const packet of expected) same((await this.#next(packet, caller)).packet, packet)
    })
  }

  /** The next one, byte for byte. */
  receiveBytes(expected: Buffer): this {
    return this.#then(async () => {
      const { bytes } = await this.#peer.next()
      expect(bytes.toString('hex')).toBe(expected.toString('hex'))
    })
  }

  /** These and no others, in whatever order. */
  receiveUnordered(...expected: Said[]): this {
    return this.#then(async () => {
      const received: Said[] = []
      for (let i = 0; i < expected.length; i++) received.push(withoutReason((await this.#peer.next()).packet))
      expect(received).toHaveLength(expected.length)
      expect(received).toEqual(expect.arrayContaining(expected))
    })
  }

  /** All that was under way has arrived, and a PINGREQ is answered by a PINGRESP before anything else. */
  receiveNothing(): this {
    return this.#then(async () => {
      await this.#peer.settle()
      if (this.#peer.hasConnack) {
        this.#peer.send(pingreq)
        same((await this.#peer.next()).packet, pingresp)
      }
      expect(this.#peer.waiting).toBe(0)
      expect(this.#peer.isClosed).toBe(false)
    })
  }

  /** The broker closes, and says nothing else before. */
  closed(): this {
    return this.#then(async () => {
      await this.#peer.closed()
      expect(this.#peer.waiting).toBe(0)
    })
  }

  /** The network goes. */
  drop(): this {
    return this.#then(() => this.#peer.drop())
  }

  /** Anything else, at this point of the conversation. */
  do(step: () => unknown): this {
    return this.#then(async () => {
      await step()
    })
  }

  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what a flow is for
  then<A = undefined, B = never>(
    onDone?: ((value: undefined) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#steps.then(onDone, onFailed)
  }

  #then(step: () => Promise<void>): this {
    this.#steps = this.#steps.then(async () => {
      await step()
      return undefined
    })
    return this
  }

  async #next(expected: Said, cause: Error) {
    try {
      return await this.#peer.next()
    } catch (error) {
      throw new Error(`waiting for ${JSON.stringify(expected)}: ${String(error)}`, { cause })
    }
  }
}

/** A CONNACK may have more properties than were asked about, and any answer may say why in words. */
export function same(actual: Said, expected: Said): void {
  const isAskedWhy = 'reasonString' in ((expected.properties ?? {}) as object)
  if (expected.cmd === 'connack') expect(actual).toMatchObject(expected)
  else expect(isAskedWhy ? actual : withoutReason(actual)).toEqual(expected)
}

function withoutReason({ properties, ...packet }: Said): Said {
  if (properties === undefined) return packet
  const { reasonString: _, ...others } = properties as Record<string, unknown>
  return Object.keys(others).length === 0 ? packet : { ...packet, properties: others }
}
