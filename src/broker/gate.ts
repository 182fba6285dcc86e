// The one gate: what a packet asks for is allowed here, or refused with its reason code, before anything is done.
// Asked by handle-connect.ts, handle-publish.ts, handle-subscribe.ts and by publishing inside the process.
import type { Config } from '../config/schema.ts'
import type { Connect, Will } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { topicFilterProblem } from '../topic/topic-filter.ts'
import { topicNameProblem } from '../topic/topic-name.ts'

export interface GateSettings {
  readonly allowAnonymous: boolean
  readonly limits: Config['limits']
}

const SYSTEM_PREFIX = '$SYS/'

export class Gate {
  readonly #settings: GateSettings
  /** The name that passed last: packets to one topic come in runs. */
  #lastName: string | undefined

  constructor(settings: GateSettings) {
    this.#settings = settings
  }

  /** Who the client is; its session belongs to this identity. Throws MqttError for who may not come in. */
  identify(connect: Connect): string {
    if (connect.authenticationMethod !== undefined) {
      const why = 'no such authentication method'
      throw new MqttError(ReasonCode.BadAuthenticationMethod, why, 'authentication method') // [v5 MQTT-4.12.0-1]
    }
    if (!this.#settings.allowAnonymous) {
      throw new MqttError(ReasonCode.NotAuthorized, 'anonymous clients are not allowed (allowAnonymous)', '')
    }
    if (connect.will !== undefined) this.#checkWill(connect.will)
    return ''
  }

  /** Throws MqttError where nothing is retained. [v5 MQTT-3.2.2-14] */
  checkRetain(retain: boolean): void {
    if (!retain || this.#settings.limits.retainedMessagesMax > 0) return
    throw new MqttError(ReasonCode.RetainNotSupported, 'nothing is retained here', 'retain')
  }

  #checkWill({ topicName, retain }: Will): void {
    this.checkTopicName(topicName)
    this.checkRetain(retain)
    const reasonCode = this.refusePublish(topicName)
    if (reasonCode !== ReasonCode.Success)
      throw new MqttError(reasonCode, `will to ${topicName}`, 'will topic')
  }

  /** Throws MqttError: a bad topic name is the sender's violation, whatever the quality of service. */
  checkTopicName(topicName: string): void {
    if (topicName === this.#lastName) return
    // [v5 MQTT-3.3.2-2] [v5 MQTT-4.7.3-1] [v3.1.1 MQTT-3.3.2-2] [v3.1.1 MQTT-4.7.3-1]
    const problem = topicNameProblem(topicName, this.#settings.limits.topicLevelsMax)
    if (problem !== undefined) throw new MqttError(ReasonCode.TopicNameInvalid, problem, 'topic name')
    this.#lastName = topicName
  }

  /** May a client publish there? The topic name is valid. */
  refusePublish(topicName: string): ReasonCode {
    return topicName.startsWith(SYSTEM_PREFIX) ? ReasonCode.NotAuthorized : ReasonCode.Success
  }

  /** Why the subscription is not taken, or Success. */
  refuseSubscribe(session: Session, topicFilter: string): ReasonCode {
    const { topicLevelsMax, subscriptionsPerSessionMax } = this.#settings.limits
    if (topicFilterProblem(topicFilter, topicLevelsMax) !== undefined) return ReasonCode.TopicFilterInvalid
    const { subscriptions } = session
    if (subscriptions.size >= subscriptionsPerSessionMax && !subscriptions.has(topicFilter)) {
      return ReasonCode.QuotaExceeded
    }
    return ReasonCode.Success
  }
}
