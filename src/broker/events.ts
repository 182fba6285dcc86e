// What happens to clients, for whoever embeds the broker. Nothing is emitted for each message.
import type { ProtocolVersion } from '../packet/protocol.ts'
import type { CloseReason } from '../transport/close-reason.ts'

export interface ClientConnected {
  readonly clientId: string
  /** Who it has proved to be; empty: it is anonymous. */
  readonly identity: string
  readonly version: ProtocolVersion
  readonly address: string
  readonly sessionPresent: boolean
}

export interface ClientDisconnected {
  readonly clientId: string
  readonly address: string
  readonly reason: CloseReason
}

/** What a client had, and may not have any more: it is gone. */
export interface RightsLost {
  readonly clientId: string
  readonly identity: string
  readonly kind: 'subscription' | 'will'
  /** Topic filter of the subscription, or topic name of the will. */
  readonly topic: string
}

export type BrokerEvents = {
  connected: [ClientConnected]
  disconnected: [ClientDisconnected]
  rightsLost: [RightsLost]
}
