// Packets put together byte by byte, for what mqtt-packet cannot or will not write: the order of user properties,
// names it stumbles over, and packets that are wrong.

export const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

export const u16 = (value: number): Buffer => Buffer.from([value >>> 8, value & 255])

/** A UTF-8 string with its length. */
export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([u16(bytes.length), bytes])
}

/** A Variable Byte Integer. */
export function vbi(value: number): Buffer {
  const bytes: number[] = []
  do {
    bytes.push((value % 128) + (value >= 128 ? 128 : 0))
    value = Math.floor(value / 128)
  } while (value > 0)
  return Buffer.from(bytes)
}

export function frame(firstByte: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([firstByte]), vbi(body.length), body])
}

export const userProperty = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0x26]), text(name), text(value)])

/** A QoS 0 PUBLISH of MQTT 5 with its property block as given. */
export function publish5(topic: string, properties: Buffer[], payload: string): Buffer {
  const block = Buffer.concat(properties)
  return frame(0x30, text(topic), vbi(block.length), block, Buffer.from(payload))
}

/** A CONNECT of MQTT 3.1.1 with clean session. */
export const connect4 = (clientId: string): Buffer =>
  frame(0x10, text('MQTT'), hex('04 02 0000'), text(clientId))
