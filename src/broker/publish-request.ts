// A message from inside the process, as whoever embeds the broker gives it, turned into one from a client.
import { GodwitError } from '../base/errors.ts'
import { type Message, NEVER } from '../packet/message.ts'
import { encodeProperties } from '../packet/properties.ts'
import type { Properties } from '../packet/property-table.ts'
import { PacketType, type Qos, REMAINING_LENGTH_MAX } from '../packet/protocol.ts'
import { createMessage } from '../packet/publish.ts'
import type { Rights } from '../topic/rights.ts'

/** Those that reach the receivers as they are given. */
export type PublishProperties = Pick<
  Properties,
  'payloadFormatIndicator' | 'contentType' | 'responseTopic' | 'correlationData' | 'userProperties'
>

export interface PublishRequest {
  readonly topicName: string
  /** A string is sent as UTF-8. */
  readonly payload: Uint8Array | string
  /** Default 0. */
  readonly qos?: Qos
  /** Default false. */
  readonly retain?: boolean
  /** Seconds; default: never expires. */
  readonly messageExpiryInterval?: number
  readonly properties?: PublishProperties
  /** For whom, with no more rights than a client of these names would have; default: the process, which has all. */
  readonly as?: {
    readonly clientId: string
    /** Default: anonymous. */
    readonly identity?: string
    readonly rights?: Rights
  }
}

const ROOM_BYTES = 128 * 1024

/** Throws ERR_GODWIT_PUBLISH_REFUSED for what no packet could carry. `now` in ms since the epoch. */
export function messageOfRequest(request: PublishRequest, now: number): Message {
  const { topicName, payload, messageExpiryInterval, properties = {} } = request
  const bytes =
    typeof payload === 'string'
      ? Buffer.from(payload)
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  try {
    const propertyBlock = encodeProperties(properties, PacketType.Publish)
    // Room for the topic name, the packet identifier and what is added on the way.
    if (bytes.length + propertyBlock.length > REMAINING_LENGTH_MAX - ROOM_BYTES) {
      throw new RangeError('larger than any packet')
    }
    return createMessage({
      topicName,
      payload: bytes,
      qos: request.qos ?? 0,
      retain: request.retain ?? false,
      expiresAt: messageExpiryInterval === undefined ? NEVER : now + messageExpiryInterval * 1000,
      properties: propertyBlock,
    })
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_PUBLISH_REFUSED', `can't be sent to ${topicName}`, { cause })
  }
}
