// The answer to a peer's mistake, or to ours: in the protocol's own terms, in the log, and then the end of the
// connection. Called by dispatch.ts and by Link.attempt.
import { encodeConnack } from '../packet/connack.ts'
import { connectVersion } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { PacketType, type ProtocolVersion, packetTypeOf } from '../packet/protocol.ts'
import { ReasonCode, reasonName } from '../packet/reason-codes.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Link } from './link.ts'
import { referenceFor } from './redirect.ts'

/** CONNACK to one that is not connected yet, DISCONNECT to a connected 5.0 client, a plain close to all others. */
export function answerFault(link: Link, error: unknown): void {
  const { connection, core } = link
  const isPeersFault = error instanceof MqttError
  const reasonCode = isPeersFault ? error.reasonCode : ReasonCode.UnspecifiedError
  const facts = {
    clientId: link.session?.clientId,
    address: connection.peer.address,
    reasonCode,
    reason: reasonName(reasonCode),
  }
  if (isPeersFault) core.log.info({ ...facts, why: error.why, field: error.field }, 'packet refused')
  else core.log.error({ ...facts, err: error }, 'packet handler failed')
  const closeReason = isPeersFault ? CloseReason.ProtocolViolation : CloseReason.InternalError
  const why = isPeersFault ? error.message : ''
  try {
    if (link.phase === 'connected') return link.disconnect(reasonCode, closeReason, why)
    refuseConnect(link, reasonCode, why)
  } catch (ours) {
    core.log.error({ ...facts, err: ours }, 'the answer to a fault failed')
  }
  connection.close(isPeersFault ? CloseReason.Refused : closeReason)
}

/** What has no return code before 5.0: only the close. [v3.1.1 MQTT-3.2.2-6] */
const UNSPEAKABLE: ReadonlySet<ReasonCode> = new Set([
  ReasonCode.MalformedPacket,
  ReasonCode.ProtocolError,
  ReasonCode.TopicNameInvalid,
])

function refuseConnect(link: Link, reasonCode: ReasonCode, why: string): void {
  const version = versionOf(link)
  if (version === 0 && reasonCode !== ReasonCode.UnsupportedProtocolVersion) return
  if (version !== 5 && UNSPEAKABLE.has(reasonCode)) return
  link.connection.version = version === 0 ? 4 : version
  const reference = referenceFor(reasonCode, link.core.redirect)
  link.tell((reason, spoken) => {
    return encodeConnack(
      {
        sessionPresent: false,
        reasonCode,
        properties: { ...reason, ...reference, ...link.authentication?.told },
      },
      spoken,
    )
  }, why)
}

/** Also of a CONNECT that can't be decoded; 0: unknown. */
function versionOf({ connection: { frames, version }, phase }: Link): ProtocolVersion | 0 {
  if (phase !== 'connecting') return version
  if (packetTypeOf(frames.bytes[frames.start] ?? 0) !== PacketType.Connect) return 0
  return connectVersion(frames.bytes, frames.bodyStart, frames.end)
}
