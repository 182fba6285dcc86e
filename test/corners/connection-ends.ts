// The ways in which a connection ends or its client comes back, and what each means for a will: a table.
import { flow } from '../kit/flow.ts'
import { disconnect } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import type { StoreKind, TestBroker } from '../kit/test-broker.ts'

export const KEEP_ALIVE = 20
const NEVER = undefined

export interface Case {
  /** Will Delay Interval, in seconds. */
  readonly delay: number
  /** Session Expiry Interval of CONNECT, in seconds. */
  readonly expiry: number
}

/** Neither, each alone, and both with either of them the shorter. */
export const CASES: readonly Case[] = [
  { delay: 0, expiry: 0 },
  { delay: 0, expiry: 5 },
  { delay: 10, expiry: 0 },
  { delay: 10, expiry: 5 },
  { delay: 10, expiry: 100 },
]

export interface End {
  readonly title: string
  readonly end: (kit: TestBroker, client: Peer) => PromiseLike<unknown>
  /** Seconds from `end` until the will is published. */
  readonly dueAfter: (row: Case) => number | undefined
  /** Where it makes a difference. */
  readonly applies?: (row: Case) => boolean
  readonly store?: StoreKind
  /** There is such an end before 5.0 too, where it publishes the will at once. */
  readonly isOld?: true
}

const atOnce = (): number => 0
const never = (): undefined => NEVER
/** When the delay or the session is over, whichever comes first. */
const inTime = ({ delay, expiry }: Case): number => Math.min(delay, expiry)
const isDelayed = (row: Case): boolean => inTime(row) > 0

const leave = (client: Peer, reasonCode: number, sessionExpiryInterval?: number) =>
  flow(client)
    .send(disconnect(reasonCode, sessionExpiryInterval === undefined ? undefined : { sessionExpiryInterval }))
    .closed()

/** Another connection of the same client, without a will. */
async function comeBack(kit: TestBroker, clean: boolean): Promise<void> {
  const peer = kit.peer()
  const properties = { sessionExpiryInterval: 1_000 }
  peer.send({ cmd: 'connect', clientId: 'c', clean, keepalive: 0, properties })
  await peer.next()
  await kit.settle()
}

const SECONDS_AWAY = 3
async function lostFor(kit: TestBroker, client: Peer): Promise<void> {
  await client.drop()
  await kit.settle()
  kit.clock.advance(SECONDS_AWAY * 1_000)
}

export const ENDS: readonly End[] = [
  { title: 'DISCONNECT 0x00', end: (_, c) => leave(c, 0), dueAfter: never },
  { title: 'DISCONNECT 0x04', end: (_, c) => leave(c, 0x04), dueAfter: inTime },
  { title: 'DISCONNECT 0x81', end: (_, c) => leave(c, 0x81), dueAfter: inTime },
  {
    title: 'DISCONNECT 0x00 that ends the session',
    end: (_, c) => leave(c, 0, 0),
    dueAfter: never,
    applies: ({ expiry }) => expiry > 0,
  },
  {
    title: 'DISCONNECT 0x04 that ends the session',
    end: (_, c) => leave(c, 0x04, 0),
    dueAfter: atOnce,
    applies: ({ expiry }) => expiry > 0,
  },
  {
    title: 'DISCONNECT 0x04 that makes the session longer than any delay',
    end: (_, c) => leave(c, 0x04, 1_000),
    dueAfter: ({ delay }) => delay,
    applies: ({ expiry }) => expiry > 0,
  },
  {
    title: 'DISCONNECT 0x04 that makes the session shorter than the delay',
    end: (_, c) => leave(c, 0x04, 2),
    dueAfter: ({ delay }) => Math.min(delay, 2),
    applies: ({ expiry }) => expiry > 0,
  },
  { title: 'the loss of the connection', isOld: true, end: (_, c) => c.drop(), dueAfter: inTime },
  {
    title: 'a violation of the protocol',
    isOld: true,
    end: (_, c) =>
      flow(c)
        .send(Buffer.from([0x36, 0x00]))
        .do(() => c.closed()),
    dueAfter: inTime,
  },
  {
    title: 'silence beyond the keep alive',
    isOld: true,
    end: async (kit, c) => {
      // The deadline is looked at within a tenth of a second after it.
      kit.clock.advance(KEEP_ALIVE * 1_500 + 100)
      await c.closed()
    },
    dueAfter: inTime,
  },
  {
    title: 'a take-over that resumes the session',
    isOld: true,
    end: (kit) => comeBack(kit, false),
    dueAfter: (row) => (isDelayed(row) ? NEVER : 0),
  },
  {
    title: 'a take-over with a clean start',
    isOld: true,
    end: (kit) => comeBack(kit, true),
    dueAfter: atOnce,
  },
  {
    title: 'a loss, and a return before it is due',
    end: (kit, c) => lostFor(kit, c).then(() => comeBack(kit, false)),
    dueAfter: never,
    applies: isDelayed,
  },
  {
    title: 'a loss, and a clean start before it is due',
    end: (kit, c) => lostFor(kit, c).then(() => comeBack(kit, true)),
    dueAfter: atOnce,
    applies: isDelayed,
  },
  {
    title: 'a loss, and a restart before it is due',
    end: (kit, c) => lostFor(kit, c).then(() => kit.restart()),
    dueAfter: (row) => inTime(row) - SECONDS_AWAY,
    applies: isDelayed,
    store: 'level',
  },
  {
    title: 'a loss, a restart, and a return before it is due',
    end: (kit, c) =>
      lostFor(kit, c)
        .then(() => kit.restart())
        .then(() => comeBack(kit, false)),
    dueAfter: never,
    applies: isDelayed,
    store: 'level',
  },
  {
    title: 'a loss and a downtime in which it becomes due',
    end: async (kit, c) => {
      await c.drop()
      await kit.close()
      kit.clock.advance(60_000)
      await kit.open()
      kit.clock.advance(100)
    },
    dueAfter: atOnce,
    applies: isDelayed,
    store: 'level',
  },
  {
    title: 'a restart under the connection',
    end: async (kit) => {
      await kit.restart()
      // What is due at the start is published at the next tick.
      kit.clock.advance(100)
    },
    dueAfter: inTime,
    applies: ({ expiry }) => expiry > 0,
    store: 'level',
  },
]
