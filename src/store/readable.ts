// Whether a row is one of ours and whole, whatever its kind. Used by settle.ts and the doctor, which look at every row.
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import { decodeDelivery, decodeMessage } from './message-records.ts'
import { decodeNumber, decodeSession, decodeSubscription, decodeWill } from './records.ts'
import { unseal } from './seal.ts'

export function isReadable(key: Buffer, stored: Buffer): boolean {
  const value = unseal(key, stored)
  if (value === undefined) return false
  switch (key[0]) {
    case KeyKind.Meta:
      return value.length > 0
    case KeyKind.Session:
      return decodeSession(keys.textOfKey(key), value) !== undefined
    case KeyKind.Will:
      return decodeWill(value) !== undefined
    case KeyKind.Retained:
      return decodeMessage(value)?.topicName === keys.textOfKey(key)
    case KeyKind.Subscription:
      return (
        keys.sessionNumberOfKey(key) >= 0 &&
        decodeSubscription(keys.topicFilterOfKey(key), value) !== undefined
      )
    case KeyKind.Received:
      return keys.packetIdOfKey(key) >= 0
    case KeyKind.Queue:
      return keys.sequenceOfKey(key) >= 0 && decodeDelivery(keys.sequenceOfKey(key), value) !== undefined
    case KeyKind.Body:
      return keys.messageIdOfKey(key) >= 0 && decodeMessage(value) !== undefined
    case KeyKind.References:
      return keys.messageIdOfKey(key) >= 0 && decodeNumber(value) !== undefined
    default:
      return false
  }
}
