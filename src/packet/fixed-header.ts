// What must hold for a packet's fixed header whatever its type. Asked once by dispatch, after the frame is whole.
import { malformed } from './mqtt-error.ts'
import { type Frame, PacketType, type ProtocolVersion, packetTypeOf, variableByteLength } from './protocol.ts'

const RESERVED_FLAGS = 0b0010

/** All that follows. Throws MqttError. */
export function checkFixedHeader(frame: Frame, version: ProtocolVersion): void {
  checkFixedHeaderFlags(frame.bytes[frame.start] as number, version)
  if (version === 5) checkRemainingLength(frame)
}

/**
 * Throws MqttError 0x81 for a packet type that does not exist in this version and for flags other than the
 * specification's [v5 MQTT-2.1.3-1] [v3.1.1 MQTT-2.2.2-1] [v3.1.1 MQTT-2.2.2-2]. PUBLISH checks its own.
 * MQTT 3.1 lets SUBSCRIBE, UNSUBSCRIBE and PUBREL carry DUP and calls the other flags unused: they pass.
 */
export function checkFixedHeaderFlags(firstByte: number, version: ProtocolVersion = 5): void {
  const type = packetTypeOf(firstByte)
  if (type === 0 || (type === PacketType.Auth && version < 5))
    malformed('reserved packet type', 'packet type')
  if (type === PacketType.Publish || version === 3) return
  if ((firstByte & 0x0f) !== expectedFlags(type)) malformed('reserved flags', 'fixed header')
}

function expectedFlags(type: number): number {
  switch (type) {
    case PacketType.Pubrel:
    case PacketType.Subscribe:
    case PacketType.Unsubscribe:
      return RESERVED_FLAGS
    default:
      return 0
  }
}

/**
 * [v5 MQTT-1.5.5-1] Throws MqttError 0x81 where the Remaining Length takes more bytes than it needs. Only MQTT 5
 * forbids that, and the frame splitter knows no version.
 */
export function checkRemainingLength(frame: Frame): void {
  const lengthBytes = frame.bodyStart - frame.start - 1
  if (lengthBytes !== variableByteLength(frame.end - frame.bodyStart)) {
    malformed('more bytes than the value needs', 'remaining length')
  }
}
