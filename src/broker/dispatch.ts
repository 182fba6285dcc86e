// From frames to handlers, one switch; and the only place where a peer's mistake is caught; answer-fault.ts answers it.
import { AckPacket, decodeAck } from '../packet/ack.ts'
import { decodeAuth } from '../packet/auth.ts'
import { decodeConnect } from '../packet/connect.ts'
import { decodeDisconnect } from '../packet/disconnect.ts'
import { checkFixedHeader } from '../packet/fixed-header.ts'
import { MqttError, protocolError } from '../packet/mqtt-error.ts'
import { decodePingreq } from '../packet/pingreq.ts'
import { type Frame, PacketType, packetTypeOf } from '../packet/protocol.ts'
import { decodePublish, PublishPacket } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { decodeSubscribe } from '../packet/subscribe.ts'
import { decodeUnsubscribe } from '../packet/unsubscribe.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { answerFault } from './answer-fault.ts'
import { handleAuth } from './handle-auth.ts'
import { handleConnect } from './handle-connect.ts'
import { handleDisconnect } from './handle-disconnect.ts'
import { handlePingreq } from './handle-pingreq.ts'
import { handlePuback } from './handle-puback.ts'
import { handlePubcomp } from './handle-pubcomp.ts'
import { handlePublish } from './handle-publish.ts'
import { handlePubrec } from './handle-pubrec.ts'
import { handlePubrel } from './handle-pubrel.ts'
import { handleSubscribe } from './handle-subscribe.ts'
import { handleUnsubscribe } from './handle-unsubscribe.ts'
import type { Link } from './link.ts'

const publish = new PublishPacket()
const ack = new AckPacket()

/** Handles every whole frame that has arrived, until the connection is paused or closed, or the turn is over. */
export function dispatch(link: Link): void {
  const { connection, core } = link
  const { frames } = connection
  const { pace, reading } = core
  if (!reading.mayRead(connection)) return reading.postpone(connection)
  // A publisher that outruns the disk, or the memory, is not read from until there is room. Who only acknowledges
  // what it was sent makes room.
  if (link.hasTakenRoom && core.store.isSaturated) return reading.holdBack(connection)
  link.hasTakenRoom = false
  try {
    while (connection.closeReason === undefined && !connection.isPaused && frames.next()) {
      handlePacket(link, frames)
      pace.spend(1)
      if (pace.isSpent && !connection.isPaused) reading.postpone(connection)
    }
  } catch (error) {
    answerFault(link, error)
  }
  if (connection.closeReason !== undefined || connection.isPaused) return
  if (link.hasTakenRoom && (core.store.isSaturated || core.memory.isShort(connection.lastReceivedAt))) {
    reading.holdBack(connection)
  } else if (connection.backlog > core.limits.outputBytesMax) {
    connection.pause() // A peer that asks and does not take the answers: until Link.drained.
  }
}

function handlePacket(link: Link, frame: Frame): void {
  const firstByte = frame.bytes[frame.start] as number
  const type = packetTypeOf(firstByte)
  const { version } = link.connection
  if (link.phase === 'authenticating') return handleBeforeConnack(link, frame, type)
  if (link.phase !== 'connected') return handleFirstPacket(link, frame, type)
  if (type === PacketType.Publish) {
    decodePublish(frame, version, publish)
    return handlePublish(link, publish)
  }
  checkFixedHeader(frame, version)
  if (frame.end - frame.start > link.core.limits.controlBytesMax) {
    throw new MqttError(ReasonCode.QuotaExceeded, 'above controlBytesMax', 'remaining length')
  }
  switch (type) {
    case PacketType.Puback:
      decodeAck(frame, version, ack)
      return handlePuback(link, ack)
    case PacketType.Pubrec:
      decodeAck(frame, version, ack)
      return handlePubrec(link, ack)
    case PacketType.Pubrel:
      decodeAck(frame, version, ack)
      return handlePubrel(link, ack)
    case PacketType.Pubcomp:
      decodeAck(frame, version, ack)
      return handlePubcomp(link, ack)
    case PacketType.Subscribe:
      return handleSubscribe(link, decodeSubscribe(frame.bytes, frame.bodyStart, frame.end, version))
    case PacketType.Unsubscribe:
      return handleUnsubscribe(link, decodeUnsubscribe(frame.bytes, frame.bodyStart, frame.end, version))
    case PacketType.Pingreq:
      decodePingreq(frame)
      return handlePingreq(link)
    case PacketType.Disconnect:
      return handleDisconnect(link, decodeDisconnect(frame.bytes, frame.bodyStart, frame.end, version))
    case PacketType.Auth:
      return handleAuth(link, decodeAuth(frame.bytes, frame.bodyStart, frame.end, version))
    default:
      // A second CONNECT, or a packet that only a server sends. [v5 MQTT-3.1.0-2] [v3.1.1 MQTT-3.1.0-2]
      throw new MqttError(ReasonCode.ProtocolError, `packet type ${type} out of place`, 'packet type')
  }
}

/** An authentication is under way, which the client may go on with or give up. [v5 MQTT-3.1.2-30] */
function handleBeforeConnack(link: Link, frame: Frame, type: number): void {
  const { bytes, bodyStart, end } = frame
  checkFixedHeader(frame, 5)
  if (type === PacketType.Auth) return handleAuth(link, decodeAuth(bytes, bodyStart, end, 5))
  if (type !== PacketType.Disconnect) protocolError(`packet type ${type} before CONNACK`, 'packet type')
  decodeDisconnect(bytes, bodyStart, end, 5)
  link.connection.close(CloseReason.ClientDisconnected)
}

/** [v5 MQTT-3.1.0-1] [v3.1.1 MQTT-3.1.0-1] */
function handleFirstPacket(link: Link, frame: Frame, type: number): void {
  if (type !== PacketType.Connect) return link.connection.close(CloseReason.NotConnect)
  const connect = decodeConnect(frame.bytes, frame.bodyStart, frame.end)
  checkFixedHeader(frame, connect.version)
  handleConnect(link, connect)
}
