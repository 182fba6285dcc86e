// What the model knows of one message on its way: the publication, its copy for one session, the connection it goes
// over. session-model.ts moves the copies.
//
//   waiting -- PUBLISH --> sent -- PUBACK --> done        sent -- PUBREC --> received -- PUBCOMP --> done
import type { ProtocolVersion, Qos } from '../../src/packet/protocol.ts'
import type { ArrivedPublish } from './packets.ts'
import type { Rule } from './rules.ts'

/** A message as it was published; one that is sent again by its client is published again. */
export interface Publication {
  readonly topic: string
  /** Names the message; empty for one that removes what is retained. */
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
  /** The client id. */
  readonly publisher: string
  readonly isWill: boolean
  /** There is another like it, sent again by its client: nobody can tell them apart. */
  isRepeated: boolean
  readonly publishedAt: number
  /** Milliseconds since the epoch; Infinity for never. */
  readonly expiresAt: number
  /** How much later than that its end may come, in ms: a deadline is met up to a tick late. */
  readonly lateness: number
  /** Grows with each publication. */
  readonly order: number
}

/** How a session gets a message: one way for all of its subscriptions that match. */
export interface Terms {
  readonly qos: Qos
  readonly retain: boolean
  readonly identifiers: string
}

export interface Member {
  withdraw(copy: Copy): void
}

/** One message for one member of a share. */
export interface Share {
  readonly publication: Publication
  readonly filter: string
  /** Copies of those who may have it, or of the one that has shown it. */
  readonly copies: Map<Copy, Member>
  isRequired: boolean
  /** There may be others that look the same: each of `copies` may come. */
  isLoose: boolean
}

/** Which member of its share a copy came from, if it came from one at all. */
export const ANYONE = '?'

export class Copy {
  readonly publication: Publication
  readonly terms: Terms
  /** The place in the queue of its session; later ones have higher places. */
  readonly place: number
  /** False: it may as well not come. */
  isRequired = true
  /** Whether a connection on which it may have gone out, unseen by the client, has ended. */
  mayBeSent = false
  /** Whether the broker may have forgotten that it was sent: then it may expire. */
  mayExpire = false
  phase: 'waiting' | 'sent' | 'received' | 'done' = 'waiting'
  packetId = 0
  /** The connection that it was seen on last, as PUBLISH or PUBREL, and as PUBLISH. */
  connection: ModelConnection | undefined = undefined
  publishedOn: ModelConnection | undefined = undefined
  /** PUBREL must follow. */
  awaitsRelease = false
  /** Grows with each copy that is seen for the first time. */
  seenAt = 0
  share: Share | undefined = undefined
  /** The client id of the member that had it before; ANYONE where that is not certain. */
  handedBy = ''
  /** Given for a new subscription, not when it was published. */
  isRetained = false
  /** The identifiers were seen, as they are from 5.0 on. */
  isIdentified = false

  constructor(publication: Publication, terms: Terms, place: number) {
    this.publication = publication
    this.terms = terms
    this.place = place
  }

  /** There may be others that look the same where not all of it is seen: one may have been taken for another. */
  get hasTwin(): boolean {
    return this.publication.payload === '' || this.publication.isRepeated
  }

  isOf({ topic, payload }: ArrivedPublish): boolean {
    return this.publication.payload === payload && this.publication.topic === topic
  }
}

export interface ModelConnection {
  readonly clientId: string
  readonly version: ProtocolVersion
  readonly receiveMaximum: number
  readonly keepAliveMs: number
  lastHeardAt: number
  hasConnack: boolean
  isOpen: boolean
  /** The client does not read. */
  isStalled: boolean
  /** It did not, and has not caught up yet. */
  isBehind: boolean
  /** `seenAt` of what went out again last. */
  lastRepeated: number
}

/** From then on it need not be sent, and a moment later it must not. */
export const mayBeExpired = ({ expiresAt }: Publication, now: number): boolean => expiresAt <= now
export const isExpired = ({ expiresAt, lateness }: Publication, now: number): boolean =>
  expiresAt + lateness < now

/** Why `packet` is not as a message on these terms should be; undefined: it is. */
export function misfit(packet: ArrivedPublish, terms: Terms, connection: ModelConnection): Rule | undefined {
  if (packet.qos !== terms.qos) return 'lower QoS'
  if (packet.retain !== terms.retain) return 'retain flag'
  if (connection.version === 5 && packet.identifiers !== terms.identifiers) return 'subscription identifier'
  return undefined
}

/** Whether what it says it has left is what it has; `since`: it went out after that. */
export function saysTrueExpiry(
  packet: ArrivedPublish,
  { expiresAt, lateness, publishedAt }: Publication,
  { version, isBehind }: ModelConnection,
  since: number,
  now: number,
): boolean {
  if (version < 5 || expiresAt === Number.POSITIVE_INFINITY) return packet.expiryInterval === -1
  const from = isBehind ? publishedAt : Math.max(publishedAt, since)
  const least = Math.max(0, Math.ceil((expiresAt - now) / 1000))
  const most = Math.max(0, Math.ceil((expiresAt + lateness - from) / 1000))
  return packet.expiryInterval >= least && packet.expiryInterval <= most
}
