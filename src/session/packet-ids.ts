// Packet identifiers follow the queue's sequence, so that those in flight survive a crash without a write for
// each delivery: message n of a queue always goes out as n mod 65,535 + 1.
//
// They stay unique while less than 65,535 sequences are in flight; outbound.ts holds its window below that.

export const PACKET_IDS = 65_535

export const packetIdOf = (sequence: number): number => (sequence % PACKET_IDS) + 1

/** The sequence at or after `head` that goes by `packetId`. */
export function sequenceOf(packetId: number, head: number): number {
  const ahead = packetId - 1 - (head % PACKET_IDS)
  return head + (ahead < 0 ? ahead + PACKET_IDS : ahead)
}
