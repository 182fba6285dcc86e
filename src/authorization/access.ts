// What may be done with the messages of a topic, a bit for each: one number answers for all of it.
//
//   bit   0 1    2 3    4 5    6         0-5: publishing at QoS 0, 1, 2, not retained and retained
//         QoS 0  QoS 1  QoS 2  read      6: receiving
import type { Qos } from '../packet/protocol.ts'

export const Access = { None: 0, Write: 0x3f, Read: 0x40, All: 0x7f } as const

export const writeBit = (qos: Qos, retain: boolean): number => 1 << (qos * 2 + (retain ? 1 : 0))

/** All bits of `access` that publish so. */
export function writingWith(qualities: readonly Qos[], retains: readonly boolean[]): number {
  let access = 0
  for (const qos of qualities) for (const retain of retains) access |= writeBit(qos, retain)
  return access
}
