// MQTT 5 topic aliases of one connection, each direction its own: they end with the network connection
// [v5 MQTT-3.3.2-7]. connection.ts owns both; handle-publish.ts resolves, deliver encodes.
import type { Message } from '../packet/message.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import type { ByteTarget } from '../packet/protocol.ts'
import { encodePublish, type PublishFields, type PublishPacket } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'

/** Towards us: the client names a topic once, then its alias alone serves. */
export class TopicAliases {
  /** How many the client may use; told in CONNACK. */
  maximum = 0
  #names: Map<number, string> | undefined

  /** The topic name that `packet` means, noting the alias it sets. Throws MqttError. */
  resolve(packet: PublishPacket): string {
    const { topicAlias, topicName } = packet
    if (topicAlias === 0) {
      // Without a name and without an alias there is no topic.
      if (topicName.length === 0) throw new MqttError(ReasonCode.ProtocolError, 'no topic name', 'topic name')
      return topicName
    }
    // [v5 MQTT-3.3.2-9]
    if (topicAlias > this.maximum) {
      throw new MqttError(ReasonCode.TopicAliasInvalid, `topic alias ${topicAlias}`, 'topic alias')
    }
    if (topicName.length > 0) {
      this.#names ??= new Map()
      this.#names.set(topicAlias, topicName)
      return topicName
    }
    const known = this.#names?.get(topicAlias)
    if (known !== undefined) return known
    throw new MqttError(ReasonCode.ProtocolError, `unknown topic alias ${topicAlias}`, 'topic alias')
  }
}

/** How topics are named towards a client, where that is not simply as they are. */
export interface OutboundTopics {
  /** As encodePublish. */
  encode(target: ByteTarget, message: Message, fields: PublishFields): boolean
}

/** Towards the client: the first topics that are sent get the aliases there are; later ones go by name. */
export class OutboundAliases implements OutboundTopics {
  readonly #maximum: number
  readonly #aliases = new Map<string, number>()

  /** `maximum`: the client's Topic Alias Maximum, or ours where that is lower. [v5 MQTT-3.1.2-26] */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** As encodePublish, with an alias where there is one. */
  encode(target: ByteTarget, message: Message, fields: PublishFields): boolean {
    const known = this.#aliases.get(message.topicName)
    if (known === undefined && this.#aliases.size >= this.#maximum)
      return encodePublish(target, message, fields)
    fields.topicAlias = known ?? this.#aliases.size + 1
    fields.omitsTopic = known !== undefined
    const isSent = encodePublish(target, message, fields)
    // A packet that was too large was not sent, so the client has not learnt the alias.
    if (isSent && known === undefined) this.#aliases.set(message.topicName, fields.topicAlias)
    fields.topicAlias = 0
    fields.omitsTopic = false
    return isSent
  }
}
