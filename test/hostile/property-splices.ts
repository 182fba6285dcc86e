// Puts one more property into a packet of 5.0, and all lengths right: what is wrong then is the property, not a length.
import { hex, text, u16, userProperty, vbi } from '../kit/frames.ts'
import { binary, u32 } from './client-packets.ts'
import type { Random } from './random.ts'

const propertyOf = (id: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([id]), value])
const NUMBERS = [0, 1, 2, 64, 255, 65_535]

/** Each of the 27, those of a server too, and a few that there are not. */
function anyProperty(random: Random): Buffer {
  const number = random.pick(NUMBERS)
  switch (random.below(8)) {
    case 0:
      return propertyOf(
        random.pick([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a]),
        Buffer.from([number & 255]),
      )
    case 1:
      return propertyOf(random.pick([0x13, 0x21, 0x22, 0x23]), u16(number))
    case 2:
      return propertyOf(random.pick([0x02, 0x11, 0x18, 0x27]), u32(number))
    case 3:
      return propertyOf(0x0b, vbi(random.pick([0, 1, 127, 128, 268_435_455])))
    case 4:
      return propertyOf(random.pick([0x09, 0x16]), binary(random.bytes(random.below(10))))
    case 5:
      return userProperty(random.pick(['', 'k', '__proto__']), random.pick(['', 'v']))
    case 6:
      return random.pick([hex('7f00'), hex('0000'), hex('8001'), hex('26'), hex('2600')])
    default:
      return propertyOf(
        random.pick([0x03, 0x08, 0x12, 0x15, 0x1a, 0x1c, 0x1f]),
        text(random.pick(['', 'h', 'h/#', '\0'])),
      )
  }
}

/** `packet` with a property more; as it is where there is no place for one. */
export function withProperty(packet: Buffer, random: Random): Buffer {
  const bodyStart = 2 + packet.subarray(1).findIndex((byte) => byte < 0x80)
  const body = packet.subarray(bodyStart)
  const start = blockStartOf(packet[0] as number, body)
  const length = body[start]
  // Blocks of 128 bytes and more are left alone: there are enough of the others.
  if (length === undefined || length >= 0x80 || start + 1 + length > body.length) return packet
  const property = anyProperty(random)
  const changed = Buffer.concat([
    body.subarray(0, start),
    vbi(length + property.length),
    body.subarray(start + 1, start + 1 + length),
    property,
    body.subarray(start + 1 + length),
  ])
  return Buffer.concat([packet.subarray(0, 1), vbi(changed.length), changed])
}

/** Where the length of the properties is; behind the end: nowhere. */
function blockStartOf(firstByte: number, body: Buffer): number {
  const stringEnd = body.length < 2 ? body.length : 2 + body.readUInt16BE(0)
  switch (firstByte >>> 4) {
    case 1:
      return stringEnd + 4
    case 3:
      return stringEnd + ((firstByte & 6) === 0 ? 0 : 2)
    case 8:
    case 10:
      return 2
    case 14:
    case 15:
      return 1
    default:
      return 3
  }
}
