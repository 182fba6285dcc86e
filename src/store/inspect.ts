// Looks at every row of a database that is not in use, and changes none. Used by the doctor.
import type { Database } from './database.ts'
import { describeKey } from './describe-key.ts'
import { countReferences } from './reference-count.ts'
import { readFormat } from './restore.ts'
import { readRows } from './rows.ts'

export interface Inspection {
  format: number
  sessions: number
  subscriptions: number
  receivedPacketIds: number
  queuedMessages: number
  /** With a body counted for each queue that it is in. */
  queuedBytes: number
  /** Messages that are in more than one queue, and stored once. */
  bodies: number
  retainedMessages: number
  wills: number
  longestQueue: { readonly clientId: string; readonly messages: number } | undefined
  /** What is wrong, a sentence each; the first hundred. */
  readonly problems: string[]
  problemCount: number
}

const PROBLEMS_MAX = 100

/** `onRow` is called with the number of rows so far. Rejects with ERR_GODWIT_STORE_FORMAT. */
export async function inspect(database: Database, onRow: (rows: number) => void): Promise<Inspection> {
  const inspection = new Inspector(await readFormat(database))
  await inspection.run(database, onRow)
  return inspection
}

class Inspector implements Inspection {
  readonly format: number
  sessions = 0
  subscriptions = 0
  receivedPacketIds = 0
  queuedMessages = 0
  queuedBytes = 0
  bodies = 0
  retainedMessages = 0
  wills = 0
  longestQueue: Inspection['longestQueue']
  readonly problems: string[] = []
  problemCount = 0
  /** Client ids by session number. */
  readonly #clientIds = new Map<number, string>()
  #abandonedRows = 0
  #queue = { sessionNumber: -1, messages: 0 }

  constructor(format: number) {
    this.format = format
  }

  async run(database: Database, onRow: (rows: number) => void): Promise<void> {
    let rows = 0
    for await (const row of readRows(database)) {
      onRow(++rows)
      switch (row.kind) {
        case 'damaged':
          this.#problem(`${describeKey(row.key)} cannot be read`)
          break
        case 'session':
          this.sessions++
          this.#clientIds.set(row.record.number, row.record.clientId)
          break
        case 'subscription':
          if (this.#hasSession(row.sessionNumber)) this.subscriptions++
          break
        case 'received':
          if (this.#hasSession(row.sessionNumber)) this.receivedPacketIds++
          break
        case 'queued':
          if (this.#hasSession(row.sessionNumber)) this.#queued(row.sessionNumber, row.bytes)
          break
        case 'body':
          this.bodies++
          break
        case 'retained':
          this.retainedMessages++
          break
        case 'will':
          this.wills++
          break
      }
    }
    if (this.#abandonedRows > 0) {
      this.#problem(`${this.#abandonedRows} rows of sessions that are not there: a start removes them`)
    }
    await this.#checkReferences(database)
  }

  async #checkReferences(database: Database): Promise<void> {
    const { missing, unreferenced, wrongCounts } = await countReferences(database, { isDryRun: true })
    if (missing > 0) this.#problem(`${missing} queued messages have lost their body`)
    if (unreferenced > 0) this.#problem(`${unreferenced} message bodies are in no queue`)
    if (wrongCounts > 0) this.#problem(`${wrongCounts} message bodies have a wrong count of references`)
  }

  #hasSession(sessionNumber: number): boolean {
    if (this.#clientIds.has(sessionNumber)) return true
    this.#abandonedRows++
    return false
  }

  /** Queues come one after the other. */
  #queued(sessionNumber: number, bytes: number): void {
    this.queuedMessages++
    this.queuedBytes += bytes
    if (this.#queue.sessionNumber !== sessionNumber) this.#queue = { sessionNumber, messages: 0 }
    const messages = ++this.#queue.messages
    if (messages <= (this.longestQueue?.messages ?? 0)) return
    this.longestQueue = { clientId: this.#clientIds.get(sessionNumber) ?? '', messages }
  }

  #problem(sentence: string): void {
    this.problemCount++
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(sentence)
  }
}
