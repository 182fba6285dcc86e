// The one gate: what a packet asks for is allowed here, or refused with its reason code, before anything is done.
// Asked by the handlers of CONNECT, AUTH, PUBLISH and SUBSCRIBE, and by publishing inside the process.
import { isUtf8 } from 'node:buffer'
import type { Permit } from '../authorization/permit.ts'
import type { Config } from '../config/schema.ts'
import type { Connect, Will } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import type { ProtocolVersion, Qos } from '../packet/protocol.ts'
import { scanPublishProperties } from '../packet/publish-properties.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { isWildcard, parseShare, topicFilterProblem } from '../topic/topic-filter.ts'
import { topicNameProblem } from '../topic/topic-name.ts'
import type { Link } from './link.ts'
import { redirectionOf } from './redirect.ts'
import { SYSTEM_PREFIX } from './system-topics.ts'

export type GateSettings = Pick<Config, 'limits' | 'features' | 'redirect'>

/** Why something is not taken. */
export interface Refusal {
  readonly reasonCode: ReasonCode
  /** In our words. */
  readonly why: string
}

export class Gate {
  readonly #settings: GateSettings
  // Asked for each PUBLISH.
  readonly #retains: boolean
  /** The name that passed last: packets to one topic come in runs. */
  #lastName: string | undefined

  constructor(settings: GateSettings) {
    this.#settings = settings
    this.#retains = settings.limits.retainedMessagesMax > 0
  }

  /** Throws MqttError for whom the door was full, and where all clients are sent elsewhere. */
  checkServer({ refusal }: Link): void {
    if (refusal !== undefined) throw new MqttError(refusal.reasonCode, refusal.closeReason)
    const { redirect } = this.#settings
    const redirection = redirectionOf(redirect)
    if (redirection === undefined || redirect.when === 'full') return
    throw new MqttError(redirection, 'this server takes no clients')
  }

  /** [v5 MQTT-3.1.2-2] [v3.1.1 MQTT-3.1.2-2] */
  checkVersion(version: ProtocolVersion, { listener }: Link): void {
    if (listener.versions.includes(version)) return
    throw new MqttError(ReasonCode.UnsupportedProtocolVersion, 'not spoken by this listener', 'protocol')
  }

  /** Throws MqttError for a will that may not be published. Others have been asked about it, if they had to be. */
  checkWill({ will }: Connect, { maximumQos }: Link, permit: Permit | undefined): void {
    if (will !== undefined) this.#checkWill(will, maximumQos, permit)
  }

  /** Throws MqttError for what CONNACK has ruled out. [v5 MQTT-3.2.2-11] [v5 MQTT-3.2.2-14] */
  checkFlags(qos: Qos, retain: boolean, maximumQos: number): void {
    if (qos > maximumQos) throw new MqttError(ReasonCode.QosNotSupported, `above ${maximumQos}`, 'QoS')
    if (!retain || this.#retains) return
    throw new MqttError(ReasonCode.RetainNotSupported, 'nothing is retained here', 'retain')
  }

  /** Throws MqttError for a payload that is not the UTF-8 that it is said to be. */
  checkPayload(payload: Buffer): void {
    if (!this.#settings.features.payloadFormatCheck || isUtf8(payload)) return
    throw new MqttError(ReasonCode.PayloadFormatInvalid, 'is not the UTF-8 that it is said to be', 'payload')
  }

  /** [v5 MQTT-3.2.2-12] [v5 MQTT-3.2.2-13] */
  #checkWill(
    { topicName, qos, retain, payload, properties }: Will,
    maximumQos: number,
    permit: Permit | undefined,
  ): void {
    this.checkTopicName(topicName)
    this.checkFlags(qos, retain, maximumQos)
    if (scanPublishProperties(properties, 0, properties.length).isText) this.checkPayload(payload)
    if (this.refusePublish(permit, topicName, qos, retain) === ReasonCode.Success) return
    throw new MqttError(ReasonCode.NotAuthorized, 'clients may not publish there', 'will topic')
  }

  /** Throws MqttError: a bad topic name is the sender's violation, whatever the quality of service. */
  checkTopicName(topicName: string): void {
    if (topicName === this.#lastName) return
    // [v5 MQTT-3.3.2-2] [v5 MQTT-4.7.3-1] [v3.1.1 MQTT-3.3.2-2] [v3.1.1 MQTT-4.7.3-1]
    const problem = topicNameProblem(topicName, this.#settings.limits.topicLevelsMax)
    if (problem !== undefined) throw new MqttError(ReasonCode.TopicNameInvalid, problem, 'topic name')
    this.#lastName = topicName
  }

  /**
   * Success, or why a client may not publish so; undefined: others are to be asked first, see `askAboutPublishing`.
   * The topic name is valid. `permit` undefined: it may publish whatever clients may.
   */
  refusePublish(
    permit: Permit | undefined,
    topicName: string,
    qos: Qos,
    retain: boolean,
  ): ReasonCode | undefined {
    if (topicName.startsWith(SYSTEM_PREFIX)) return ReasonCode.NotAuthorized
    if (permit === undefined) return ReasonCode.Success
    const isAllowed = permit.mayPublish(topicName, qos, retain)
    if (isAllowed === undefined) return undefined
    return isAllowed ? ReasonCode.Success : ReasonCode.NotAuthorized
  }

  /** Undefined: the subscription is taken. Others have been asked about it, if they had to be. */
  refuseSubscribe(session: Session, topicFilter: string): Refusal | undefined {
    const { topicLevelsMax, subscriptionsPerSessionMax } = this.#settings.limits
    const problem = topicFilterProblem(topicFilter, topicLevelsMax)
    if (problem !== undefined) return { reasonCode: ReasonCode.TopicFilterInvalid, why: problem }
    const { subscriptions } = session
    if (subscriptions.size >= subscriptionsPerSessionMax && !subscriptions.has(topicFilter)) {
      return {
        reasonCode: ReasonCode.QuotaExceeded,
        why: `there are ${subscriptions.size} subscriptions already`,
      }
    }
    if (session.permit?.maySubscribe(topicFilter) === false) {
      return { reasonCode: ReasonCode.NotAuthorized, why: 'the client may read nothing that it matches' }
    }
    return undefined
  }

  /** What CONNACK has ruled out, of a topic filter that is valid. Undefined: nothing. */
  refuseFeature(topicFilter: string, subscriptionIdentifier: number): Refusal | undefined {
    const { features } = this.#settings
    const share = parseShare(topicFilter)
    if (!features.sharedSubscriptions && share !== undefined) {
      return {
        reasonCode: ReasonCode.SharedSubscriptionsNotSupported,
        why: 'there are no shared subscriptions here',
      }
    }
    if (!features.wildcardSubscriptions && isWildcard(share?.topicFilter ?? topicFilter)) {
      return { reasonCode: ReasonCode.WildcardSubscriptionsNotSupported, why: 'there are no wildcards here' }
    }
    if (!features.subscriptionIdentifiers && subscriptionIdentifier > 0) {
      const why = 'there are no subscription identifiers here'
      return { reasonCode: ReasonCode.SubscriptionIdentifiersNotSupported, why }
    }
    return undefined
  }
}
