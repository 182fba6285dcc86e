// A key of the database in words, for whoever reads the log. Used where damage is told.
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'

/** Of a key that may be cut short. */
export function describeKey(key: Buffer): string {
  const session = `session ${keys.sessionNumberOfKey(key)}`
  const text = JSON.stringify(keys.textOfKey(key))
  switch (key[0]) {
    case KeyKind.Meta:
      return `meta row ${text}`
    case KeyKind.Session:
      return `session of client ${text}`
    case KeyKind.Will:
      return `will of client ${text}`
    case KeyKind.Retained:
      return `retained message of ${text}`
    case KeyKind.Subscription:
      return `subscription of ${session} to ${JSON.stringify(keys.topicFilterOfKey(key))}`
    case KeyKind.Received:
      return `packet id ${keys.packetIdOfKey(key)} received by ${session}`
    case KeyKind.Queue:
      return `message ${keys.sequenceOfKey(key)} in the queue of ${session}`
    case KeyKind.Body:
      return `message body ${keys.messageIdOfKey(key)}`
    case KeyKind.References:
      return `reference count of message body ${keys.messageIdOfKey(key)}`
    default:
      return `row ${key.toString('hex').slice(0, 64)}`
  }
}
