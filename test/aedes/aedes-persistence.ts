// What the tests and bench/store.ts use of aedes-persistence-level, which comes without types.
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'
import type { ClassicLevel } from 'classic-level'

interface Client {
  readonly id: string
}

export interface AedesSubscription {
  readonly topic: string
  readonly qos: 0 | 1 | 2
}

/** As Aedes makes them; what it numbers is told apart by broker and counter. */
export interface AedesPacket {
  readonly cmd: 'publish'
  readonly brokerId: string
  readonly brokerCounter: number
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  messageId?: number
}

export interface AedesPersistence {
  setup(broker: { readonly id: string }): Promise<void>
  addSubscriptions(client: Client, subscriptions: readonly AedesSubscription[]): Promise<void>
  subscriptionsByTopic(topic: string): Promise<readonly unknown[]>
  outgoingEnqueueCombi(receivers: readonly { clientId: string }[], packet: AedesPacket): Promise<unknown>
  outgoingUpdate(client: Client, packet: AedesPacket): Promise<void>
  outgoingClearMessageId(client: Client, packet: { messageId: number }): Promise<unknown>
  outgoingStream(client: Client): Readable
  storeRetained(packet: AedesPacket): Promise<void>
  createRetainedStream(topicFilter: string): Readable
  destroy(): Promise<void>
}

export const aedesPersistenceLevel: (level: ClassicLevel) => AedesPersistence = createRequire(
  import.meta.url,
)('aedes-persistence-level')
