// What a peer did wrong, as an exception: thrown by the codec and the broker, answered by broker/answer-fault.ts, which
// alone knows who is told by CONNACK, who by DISCONNECT, and whose connection is just closed.
import { ReasonCode } from './reason-codes.ts'

export class MqttError extends Error {
  override readonly name = 'MqttError'
  readonly reasonCode: ReasonCode
  /** What is wrong, in our words, without anything the peer sent. */
  readonly why: string
  /** The field it was found in, by the specification's name; empty where there is no single one. */
  readonly field: string

  /** Takes no stack: it would name this codec, and a hostile peer could have us walk it for each packet. */
  constructor(reasonCode: ReasonCode, why: string, field = '') {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(field === '' ? why : `${field}: ${why}`)
    Error.stackTraceLimit = limit
    this.reasonCode = reasonCode
    this.why = why
    this.field = field
  }
}

/** The bytes cannot be parsed as the specification says. */
export function malformed(why: string, field = ''): never {
  throw new MqttError(ReasonCode.MalformedPacket, why, field)
}

/** The bytes can be parsed, but what they say is not allowed. */
export function protocolError(why: string, field = ''): never {
  throw new MqttError(ReasonCode.ProtocolError, why, field)
}
