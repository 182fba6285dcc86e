// What the conformance tests of refusals share: a 5.0 client that breaks a rule is told its reason code and closed,
// while others are served; and CONNECT packets put together byte by byte, to break rules in.
import { flow } from '../../kit/flow.ts'
import { frame, text, u16, vbi } from '../../kit/frames.ts'
import { connack, disconnect, type Sendable } from '../../kit/packets.ts'
import type { TestBroker } from '../../kit/test-broker.ts'

/** A connected client sends this, is told why, and is closed. */
export async function closesWith(kit: TestBroker, reasonCode: number, ...sent: Sendable[]): Promise<void> {
  await flow(await kit.client('offender'))
    .send(...sent)
    .receive(disconnect(reasonCode))
    .closed()
}

/** That, and others are served: not for tests with a subscriber of `#`. */
export async function refuses(kit: TestBroker, reasonCode: number, ...sent: Sendable[]): Promise<void> {
  await closesWith(kit, reasonCode, ...sent)
  await kit.servesOthers()
}

/** A connection begins with this, is told why, and is closed. */
export async function refusesConnect(
  kit: TestBroker,
  reasonCode: number,
  ...sent: Sendable[]
): Promise<void> {
  await flow(kit.peer())
    .send(...sent)
    .receive(connack(reasonCode))
    .closed()
  await kit.servesOthers()
}

/** Connect flags. */
export const Flag = {
  cleanStart: 0x02,
  will: 0x04,
  willRetain: 0x20,
  password: 0x40,
  userName: 0x80,
} as const

/** What is left out is a plain CONNECT of a client `c` with clean start. */
export interface ConnectParts {
  readonly protocol?: string
  readonly level?: number
  readonly flags?: number
  readonly keepAlive?: number
  readonly properties?: readonly Buffer[]
  /** The payload, with every length. */
  readonly fields?: readonly Buffer[]
}

export function connectOf(parts: ConnectParts): Buffer {
  const { protocol = 'MQTT', level = 5, flags = Flag.cleanStart, keepAlive = 0 } = parts
  const { properties = [], fields = [text('c')] } = parts
  const fixed = [text(protocol), Buffer.from([level, flags]), u16(keepAlive)]
  return frame(0x10, ...fixed, block(...properties), ...fields)
}

/** A property block with its length. */
export function block(...properties: Buffer[]): Buffer {
  const bytes = Buffer.concat(properties)
  return Buffer.concat([vbi(bytes.length), bytes])
}
