// Somebody who is asked what a client may do, where neither rules nor claims speak of it: a server elsewhere, or a
// function of who embeds the broker. It knows neither sockets nor packets; asking.ts asks them in order.
import type { Eventual } from '../base/eventually.ts'
import type { PeerFacts } from '../base/peer-facts.ts'
import type { Qos } from '../packet/protocol.ts'

/** Who is asked about. */
export interface AskedClient {
  readonly clientId: string
  /** Who it has proved to be; empty: it is anonymous. */
  readonly identity: string
  /** Undefined: it has not connected since the start. */
  readonly peer: PeerFacts | undefined
}

export interface PublishQuestion {
  readonly topicName: string
  readonly qos: Qos
  readonly retain: boolean
}

export interface SubscribeQuestion {
  /** Without the share prefix. */
  readonly topicFilter: string
}

export interface ReceiveQuestion {
  readonly topicName: string
}

/** Undefined: no opinion, the next one is asked; where nobody has one, it is refused. */
export type Opinion = boolean | undefined

export type Authorize<Question> = (client: AskedClient, question: Question) => Eventual<Opinion>

/** What one throws, or does not answer in time, refuses and is logged as an error. Each method may be left out. */
export interface Authorizer {
  readonly authorizePublish?: Authorize<PublishQuestion> | undefined
  /** Yes: all that it matches may be received, but for what rules deny and authorizeReceive refuses. */
  readonly authorizeSubscribe?: Authorize<SubscribeQuestion> | undefined
  /** Asked for each subscriber of a topic name when it is first published to, and again when rights have changed. */
  readonly authorizeReceive?: ((client: AskedClient, question: ReceiveQuestion) => Opinion) | undefined
}
