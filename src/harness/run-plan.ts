// What a load consists of, in plain data: it travels from the command line to the generators as it is.
// Made by scenarios.ts or read from a file; carried out by generator.ts, a share of it in each process.
import type { ProtocolVersion, Qos } from '../packet/protocol.ts'

/** How clients reach the broker, and as whom. */
export interface Target {
  /** mqtt://, mqtts://, ws:// or wss://, with host and port. */
  readonly url: string
  readonly version: ProtocolVersion
  readonly userName: string
  readonly password: string
  /** Seconds; 0: none. */
  readonly keepAlive: number
  readonly cleanStart: boolean
  /** Seconds; undefined: with the connection after a clean start, else never. */
  readonly sessionExpiryInterval?: number | undefined
  /** PEM; files are read before the run. */
  readonly tls?: { ca?: string; cert?: string; key?: string; insecure?: boolean } | undefined
  /** Local addresses that connections go out from, in turn: one address has 28,000 ports or so. */
  readonly localAddresses: readonly string[]
}

export interface ClientSettings extends Target {
  readonly clientId: string
  readonly localAddress: string | undefined
}

export interface PublishPlan {
  /** With placeholders: see placeholders.ts. */
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  /** Bytes of each payload. */
  readonly payloadBytes: number
  /** Base64 of what each payload begins with after its stamp; it is repeated to fill it. */
  readonly payload?: string | undefined
  /** Messages a second of one client; 0: as fast as its window lets it. */
  readonly rate: number
  /** Messages that one client may have unacknowledged. */
  readonly inFlight: number
  /** Messages of one client; 0: until the time is up. */
  readonly messages: number
}

export interface SubscribePlan {
  /** With placeholders. */
  readonly topics: readonly string[]
  readonly qos: Qos
}

/** Clients that do the same. */
export interface ClientGroup {
  readonly name: string
  readonly count: number
  /** Of the client id, with placeholders. */
  readonly clientId: string
  /** %i of the first. */
  readonly startNumber: number
  readonly publish?: PublishPlan | undefined
  readonly subscribe?: SubscribePlan | undefined
  /** Of a member of a share: another member may have what it has not. */
  readonly isShare?: boolean | undefined
  /** Reads nothing once it has subscribed. */
  readonly isDeaf?: boolean | undefined
  /** Over the process that it is in, so that a publisher at QoS 0 sees its messages arrive. */
  readonly isPaired?: boolean | undefined
}

export interface RunPlan {
  readonly target: Target
  readonly groups: readonly ClientGroup[]
  /** CONNECTs a second, over all processes. */
  readonly connectRate: number
  readonly warmUpSeconds: number
  /** 0: until every message has been sent. */
  readonly seconds: number
  /** Deliveries that each message should have; undefined: nothing is known of losses. */
  readonly copies: number | undefined
}
