// Commit, then promise: the one place from which an acknowledgement leaves. If handling the packet has put anything
// into the store, it leaves when that is down; else at once, but never before an earlier one. [v5 MQTT-4.6.0-2]
// [v5 MQTT-4.6.0-3] [v3.1.1 MQTT-4.6.0-2] [v3.1.1 MQTT-4.6.0-3]
import type { AckType } from '../packet/ack.ts'
import type { Store } from '../store/store.ts'
import type { Link } from './link.ts'

/** `operationsBefore` is store.operations as it was before the packet was handled. */
export function acknowledge(
  link: Link,
  type: AckType,
  packetId: number,
  reasonCode: number,
  operationsBefore: number,
): void {
  const { store } = link.core
  if (store.operations === operationsBefore && link.acksWaiting === 0) {
    link.acknowledge(type, packetId, reasonCode)
  } else {
    link.acksWaiting++
    store.afterCommit(link, (type << 24) | (packetId << 8) | reasonCode)
  }
}

/** The same for the rarer answers: `answer` is called when all that was put so far is down. */
export function whenCommitted(store: Store, operationsBefore: number, answer: () => void): void {
  if (store.operations === operationsBefore) answer()
  else store.afterCommit({ committed: answer }, 0)
}
