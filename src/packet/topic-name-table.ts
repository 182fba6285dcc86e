// Topic names repeat: most PUBLISH packets find the string for their bytes here instead of decoding it again.
// Called by publish.ts for each packet with a topic name; on a miss the strict decoder of utf8.ts does the work.
//
//   hash(bytes) -> slot of 4,096 -> 'site/7/temperature'     one string a slot, the last one wins
//
// A hit costs about 1 ns a byte, a decode 120 ns and a string for the garbage collector. Only names of ASCII
// characters are kept (a byte is compared with a character code); what is longer than NAME_BYTES_MAX is not,
// so that the table stays below a megabyte whatever names come.
import { decodeUtf8 } from './utf8.ts'

const SLOTS = 4_096
const NAME_BYTES_MAX = 192

const names: string[] = new Array<string>(SLOTS).fill('')

/** The topic name in bytes[start, end). Throws MqttError for what is not UTF-8 or holds U+0000. */
export function readTopicName(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length > NAME_BYTES_MAX) return decodeUtf8(bytes, start, end, 'topic name')
  let hash = length
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
  const known = names[slot] as string
  if (known.length === length && equalsAscii(known, bytes, start)) return known
  const name = decodeUtf8(bytes, start, end, 'topic name')
  // As many characters as bytes: all ASCII, so that a character code can stand for a byte.
  if (name.length === length) names[slot] = name
  return name
}

function equalsAscii(name: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
