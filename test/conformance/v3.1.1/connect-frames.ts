// CONNECT of MQTT 3.1.1 put together field by field, for flags and payloads that do not belong together.
import { frame, text, u16 } from '../../kit/frames.ts'

/** The connect flags; none: CleanSession 0. */
export const Flag = {
  reserved: 0x01,
  clean: 0x02,
  will: 0x04,
  willQos1: 0x08,
  willQos2: 0x10,
  willQos3: 0x18,
  willRetain: 0x20,
  password: 0x40,
  userName: 0x80,
} as const

/** Keep alive is none; `payload` as it is to stand there. */
export const connectFrame = (flags: number, ...payload: Buffer[]): Buffer =>
  frame(0x10, text('MQTT'), Buffer.from([4, flags]), u16(0), ...payload)

/** With another protocol than MQTT level 4. CleanSession 0, no flag besides. */
export const connectOf = (name: string, level: number, clientId: string): Buffer =>
  frame(0x10, text(name), Buffer.from([level, 0]), u16(0), text(clientId))

/** Bytes where a string is expected. */
export const string = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])
