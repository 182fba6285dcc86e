// A subscription as its client made it, and what several of them ask for together.
import type { Qos } from '../../src/packet/protocol.ts'
import type { Publication, Terms } from './copy.ts'
import { identifiersOf } from './packets.ts'

export interface SubscriptionModel {
  readonly filter: string
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly identifier: number
}

const textOf = (identifier: number): string => (identifier === 0 ? '' : String(identifier))

/** What all of `matching` together ask for. A client gets a message once, however many of them match. */
export function termsOf(publication: Publication, matching: readonly SubscriptionModel[]): Terms {
  const first = matching[0] as SubscriptionModel
  let { qos, retainAsPublished } = first
  for (const each of matching) {
    if (each.qos > qos) qos = each.qos
    retainAsPublished ||= each.retainAsPublished
  }
  const identifiers = matching.map(({ identifier }) => identifier).filter((identifier) => identifier > 0)
  return {
    qos: Math.min(publication.qos, qos) as Qos,
    retain: publication.retain && retainAsPublished,
    identifiers: matching.length === 1 ? textOf(first.identifier) : identifiersOf(identifiers),
  }
}

/** Of a message that was retained when the subscription was made. */
export const termsOfRetained = ({ qos, identifier }: SubscriptionModel, publication: Publication): Terms => ({
  qos: Math.min(publication.qos, qos) as Qos,
  retain: true,
  identifiers: textOf(identifier),
})
