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

export type BrokerEvents = {
  connected: [ClientConnected]
  disconnected: [ClientDisconnected]
}
