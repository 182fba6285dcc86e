// A data folder with something in each of LevelDB's files, ways to damage them, and what a store makes of it then.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { DeliveryState } from '../../src/store/delivery.ts'
import { deliveryOf, messageOf, sessionOf } from './payloads.ts'
import { openLevelStore, temporaryFolder } from './stored.ts'

const CLIENTS = ['one', 'two', 'three']
const ROUNDS = 4
const MESSAGES_A_ROUND = 60

/** Hardly to be compressed, so that there are many blocks. */
export const payloadOf = (clientId: string, sequence: number): string =>
  Array.from({ length: 4 }, (_, i) =>
    createHash('sha256').update(`${clientId} ${sequence} ${i}`).digest('base64'),
  ).join()

/** Every seventh is one body for all. */
const isShared = (sequence: number): boolean => sequence % 7 === 0
const textOf = (clientId: string, sequence: number): string =>
  payloadOf(isShared(sequence) ? 'all' : clientId, sequence)

export const MESSAGES = ROUNDS * MESSAGES_A_ROUND
/** Of each client; the others are in the log. */
export const MESSAGES_IN_TABLES = MESSAGES - MESSAGES_A_ROUND

/** Rounds end with a restart, which makes a table of the log; the last one leaves its rows in the log. */
export async function filledFolder(): Promise<string> {
  const path = await temporaryFolder()
  const numbers = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    const { store } = await openLevelStore(path)
    if (round === 0) {
      for (const clientId of CLIENTS) {
        const session = sessionOf(store, clientId)
        numbers.set(clientId, session.number)
        store.putSession(session)
        for (let i = 0; i < 20; i++) store.putRetained(messageOf(payloadOf('retained', i), `state/${i}`))
      }
    }
    for (let i = 0; i < MESSAGES_A_ROUND; i++) {
      const sequence = round * MESSAGES_A_ROUND + i
      const shared = messageOf(textOf('all', sequence))
      for (const [clientId, number] of numbers) {
        const message = isShared(sequence) ? shared : messageOf(textOf(clientId, sequence))
        store.enqueue(number, deliveryOf(sequence, message))
      }
      if (i % 10 === 9) await store.flush()
    }
    store.putReceived(numbers.get('one') ?? 0, round + 1)
    await store.close()
  }
  return path
}

export interface Left {
  readonly clientIds: string[]
  /** Messages by client id, of those that are there. */
  readonly messages: Map<string, number>
  readonly retained: number
  readonly received: number
  readonly damage: string[]
  /** Names of the files in the quarantine folders, without the reports. */
  readonly quarantine: string[]
}

/** Opens it and reads all; whatever is handed out must be what was stored. */
export async function whatIsLeft(path: string): Promise<Left> {
  const { store, stored, damage } = await openLevelStore(path)
  const messages = new Map<string, number>()
  for (const { clientId, number } of stored.sessions) {
    let found = 0
    const { head = 0, tail = 0 } = stored.queues.get(number) ?? {}
    for (let from = head; from < tail; ) {
      const deliveries = await store.readQueue(number, from, 1_000)
      if (deliveries.length === 0) break
      for (const { sequence, message, state } of deliveries) {
        from = sequence + 1
        if (state === DeliveryState.Lost) continue
        found++
        expect(message?.payload.toString()).toBe(textOf(clientId, sequence))
      }
    }
    messages.set(clientId, found)
  }
  for (const message of stored.retainedMessages) {
    expect(message.payload.toString()).toBe(payloadOf('retained', Number(message.topicName.slice(6))))
  }
  await store.close()
  const received = [...stored.receivedPacketIds.values()].flat().length
  const clientIds = stored.sessions.map(({ clientId }) => clientId)
  return {
    clientIds,
    messages,
    retained: stored.retainedMessages.length,
    received,
    damage,
    quarantine: quarantined(path),
  }
}

const REPORTS = new Set(['report.txt', 'unsettled'])

export function quarantined(path: string): string[] {
  const folder = join(path, 'quarantine')
  if (!readdirSync(path).includes('quarantine')) return []
  return readdirSync(folder).flatMap((time) =>
    readdirSync(join(folder, time)).filter((name) => !REPORTS.has(name)),
  )
}

/** Nothing is missing. */
export const WHOLE = {
  clientIds: ['one', 'three', 'two'],
  messages: new Map([
    ['one', MESSAGES],
    ['three', MESSAGES],
    ['two', MESSAGES],
  ]),
  retained: 20,
  received: ROUNDS,
}

export const filesLike = (path: string, pattern: RegExp): string[] =>
  readdirSync(path)
    .filter((name) => pattern.test(name))
    .sort()

/** The only one that matches, or the one with the most in it. */
export function fileLike(path: string, pattern: RegExp): string {
  const files = filesLike(path, pattern).map((name) => join(path, name))
  files.sort((a, b) => statSync(b).size - statSync(a).size)
  if (files[0] === undefined) throw new Error(`no file like ${pattern}`)
  return files[0]
}

export function flipBit(file: string, at: number, bit = 3): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
  writeFileSync(file, bytes)
}

export function zero(file: string, from = 0, to = statSync(file).size): void {
  const bytes = readFileSync(file)
  bytes.fill(0, from, to)
  writeFileSync(file, bytes)
}

/** To this part of its length. */
export const cutTo = (file: string, part: number): void =>
  truncateSync(file, Math.floor(statSync(file).size * part))
