// Opens stores in folders that go when the test is over, with a Restorer that writes down what comes out.
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Message } from '../../src/packet/message.ts'
import { LevelStore, type LevelStoreOptions } from '../../src/store/level-store.ts'
import type {
  QueueEnds,
  Restorer,
  SessionRecord,
  SubscriptionRecord,
  WillRecord,
} from '../../src/store/store.ts'

export class Stored implements Restorer {
  readonly sessions: SessionRecord[] = []
  readonly queues = new Map<number, QueueEnds>()
  readonly receivedPacketIds = new Map<number, number[]>()
  readonly subscriptions: [sessionNumber: number, record: SubscriptionRecord][] = []
  readonly retainedMessages: Message[] = []
  readonly wills = new Map<string, WillRecord>()

  session(record: SessionRecord, queue: QueueEnds, receivedPacketIds: number[]): void {
    this.sessions.push(record)
    this.queues.set(record.number, queue)
    this.receivedPacketIds.set(record.number, receivedPacketIds)
  }

  subscription(sessionNumber: number, record: SubscriptionRecord): void {
    if (!this.queues.has(sessionNumber)) throw new Error('a subscription came before its session')
    this.subscriptions.push([sessionNumber, record])
  }

  retained(message: Message): void {
    this.retainedMessages.push(message)
  }

  will(clientId: string, record: WillRecord): void {
    this.wills.set(clientId, record)
  }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-store-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface OpenedStore {
  readonly store: LevelStore
  readonly stored: Stored
  readonly path: string
  readonly damage: string[]
}

/** Closed when the test is over, if it has not been before. */
export async function openLevelStore(
  path: string,
  options: Partial<LevelStoreOptions> = {},
): Promise<OpenedStore> {
  const store = new LevelStore({ sync: 'always', ...options, path })
  const damage: string[] = []
  store.onDamage = (description) => damage.push(description)
  const stored = new Stored()
  await store.open(stored)
  onTestFinished(() => store.close().catch(() => {}))
  return { store, stored, path, damage }
}

/**
 * The folder as it lies on the disk now: what a kill -9 at this moment would leave behind. Copied again when LevelDB
 * has meanwhile replaced some of its files by others, since that is no moment that ever was.
 */
export async function copyOf(path: string): Promise<string> {
  for (;;) {
    const copy = join(await temporaryFolder(), 'copy')
    const before = await readdir(path)
    const isCopied = await cp(path, copy, { recursive: true }).then(
      () => true,
      () => false,
    )
    if (isCopied && (await readdir(path)).join() === before.join()) return copy
  }
}
