// The steps of a simulation: plain values that mean the same whatever came before them, so that a trace without some
// of its steps is a trace. One that makes no sense any more does nothing.
import type { ProtocolVersion, Qos } from '../../src/packet/protocol.ts'
import { NEVER_EXPIRES } from './model.ts'

export interface WillStep {
  readonly qos: Qos
  readonly retain: boolean
  /** Seconds; 0: none. */
  readonly expiry: number
  readonly delay: number
}

export interface ConnectStep {
  readonly kind: 'connect'
  readonly client: number
  readonly version: ProtocolVersion
  readonly cleanStart: boolean
  /** Seconds; before 5.0 it follows from cleanStart. */
  readonly expiry: number
  readonly receiveMaximum: number
  readonly keepAlive: number
  readonly will: WillStep | undefined
}

export interface SubscribeStep {
  readonly kind: 'subscribe'
  readonly client: number
  readonly filter: string
  readonly qos: Qos
  /** The rest is for 5.0 alone. */
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly identifier: number
}

export interface PublishStep {
  readonly kind: 'publish'
  readonly client: number
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  /** Nothing to say: removes what is retained. */
  readonly isEmpty: boolean
  /** Seconds; 0: none. */
  readonly expiry: number
}

export type Step = (
  | ConnectStep
  | SubscribeStep
  | PublishStep
  | { readonly kind: 'unsubscribe'; readonly client: number; readonly filter: string }
  /** Answers some of what was received, from the `first` on. */
  | {
      readonly kind: 'answer'
      readonly client: number
      readonly first: number
      readonly count: number
      readonly refuses: boolean
    }
  /** PUBREL for what has its PUBREC. */
  | { readonly kind: 'release'; readonly client: number }
  /** PUBLISH again with DUP, as it may before 5.0. */
  | { readonly kind: 'resend'; readonly client: number }
  /** Reads no more, reads on. */
  | { readonly kind: 'stall'; readonly client: number }
  | { readonly kind: 'read'; readonly client: number }
  | { readonly kind: 'drop'; readonly client: number }
  | {
      readonly kind: 'disconnect'
      readonly client: number
      readonly reasonCode: 0 | 4
      /** A new session expiry interval. */
      readonly expiry: number | undefined
    }
  | { readonly kind: 'advance'; readonly seconds: number }
  | { readonly kind: 'restart'; readonly isKilled: boolean }
) & {
  /** The next step follows in the same turn. */
  readonly isHasty?: boolean
}

/** Whether other steps may follow it before the clients have seen what it brought. */
export const mayBeHasty = ({ kind }: Step): boolean =>
  kind === 'publish' ||
  kind === 'answer' ||
  kind === 'subscribe' ||
  kind === 'unsubscribe' ||
  kind === 'release'

/** One line. */
export function describeStep(step: Step): string {
  const who = 'client' in step ? `c${step.client} ` : ''
  return `${who}${sentenceOf(step)}${step.isHasty ? ', and at once' : ''}`
}

function sentenceOf(step: Step): string {
  switch (step.kind) {
    case 'connect':
      return `connects with ${describeConnect(step)}`
    case 'subscribe':
      return `subscribes to ${step.filter} at QoS ${step.qos}${describeOptions(step)}`
    case 'unsubscribe':
      return `unsubscribes from ${step.filter}`
    case 'publish':
      return `publishes ${step.isEmpty ? 'nothing' : 'a message'} to ${step.topic} at QoS ${step.qos}${flagsOf(step)}`
    case 'answer':
      return `${step.refuses ? 'refuses' : 'answers'} ${step.count} from number ${step.first} on`
    case 'release':
      return 'sends a PUBREL'
    case 'resend':
      return 'sends a PUBLISH again'
    case 'stall':
      return 'stops reading'
    case 'read':
      return 'reads on'
    case 'drop':
      return 'loses its connection'
    case 'disconnect':
      return `disconnects with reason ${step.reasonCode}${describeExpiry(step.expiry)}`
    case 'advance':
      return `${step.seconds} seconds pass`
    case 'restart':
      return `the broker is ${step.isKilled ? 'killed' : 'closed'} and starts again`
  }
}

function describeConnect(step: ConnectStep): string {
  const { version, cleanStart, expiry, receiveMaximum, keepAlive, will } = step
  const parts = [`version ${version}`, cleanStart ? 'a clean start' : 'its session']
  if (version === 5) parts.push(`expiry ${expiry === NEVER_EXPIRES ? 'never' : expiry}`)
  if (version === 5 && receiveMaximum < 65_535) parts.push(`receive maximum ${receiveMaximum}`)
  if (keepAlive > 0) parts.push(`keep alive ${keepAlive}`)
  if (will !== undefined) parts.push(`a will at QoS ${will.qos}${flagsOf(will)}, delay ${will.delay}`)
  return parts.join(', ')
}

const flagsOf = ({ retain, expiry }: WillStep | PublishStep): string =>
  `${retain ? ', retained' : ''}${expiry > 0 ? `, expiring in ${expiry}` : ''}`

function describeOptions({ noLocal, retainAsPublished, retainHandling, identifier }: SubscribeStep): string {
  const parts = ['']
  if (noLocal) parts.push('no local')
  if (retainAsPublished) parts.push('retain as published')
  if (retainHandling > 0) parts.push(`retain handling ${retainHandling}`)
  if (identifier > 0) parts.push(`identifier ${identifier}`)
  return parts.join(', ')
}

const describeExpiry = (expiry: number | undefined): string =>
  expiry === undefined ? '' : `, expiry ${expiry}`
