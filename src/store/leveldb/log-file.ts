// LevelDB's log format, in which it keeps both its log and its MANIFEST: records in blocks of 32 KiB, cut where a block
// ends. Read here before LevelDB does, since it passes over what is damaged and says nothing.
// Used by examine.ts and mend.ts.
//
//   block    | fragment | fragment | ... | up to 6 zeros |
//   fragment | checksum 4 | length 2 | type 1: whole, first, middle, last | bytes |
import { crc32c, maskedCrc32c } from './crc32c.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const FragmentType = { Whole: 1, First: 2, Middle: 3, Last: 4 } as const

export interface LogContents {
  /** In order; views of the file's bytes where a record lies in one piece. */
  readonly records: Buffer[]
  /** Bytes that cannot be read and are followed by records that can: something in between is missing. */
  readonly lostBytes: number
  /** Bytes at the end that make no record: an unfinished write, or the file was cut off. */
  readonly tornBytes: number
}

export function readLog(bytes: Buffer): LogContents {
  const records: Buffer[] = []
  let parts: Buffer[] = []
  let partsAt = 0
  /** End of the last record that is whole. */
  let end = 0
  let lostBytes = 0
  const take = (record: Buffer, from: number, to: number): void => {
    records.push(record)
    lostBytes += from - end
    end = to
    parts = []
  }
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const blockEnd = Math.min(block + BLOCK_BYTES, bytes.length)
    let at = block
    while (blockEnd - at >= HEADER_BYTES) {
      const dataEnd = endOf(bytes, at)
      if (!isWhole(bytes, at, blockEnd)) {
        parts = []
        // LevelDB gives up the rest of the block: the length may be what is wrong. Not so if it leads to a fragment.
        if (!isWhole(bytes, dataEnd, blockEnd)) break
        at = dataEnd
        continue
      }
      const type = bytes[at + 6]
      const data = bytes.subarray(at + HEADER_BYTES, dataEnd)
      if (type === FragmentType.Whole) take(data, at, dataEnd)
      else if (type === FragmentType.First) {
        parts = [data]
        partsAt = at
      } else if (parts.length > 0) {
        parts.push(data)
        if (type === FragmentType.Last) take(Buffer.concat(parts), partsAt, dataEnd)
      }
      at = dataEnd
      // What is too short for a header is no loss at the end of a whole block.
      if (end === at && block + BLOCK_BYTES - end < HEADER_BYTES) end = blockEnd
    }
  }
  return { records, lostBytes, tornBytes: bytes.length - end }
}

const endOf = (bytes: Buffer, at: number): number => at + HEADER_BYTES + bytes.readUInt16LE(at + 4)

/** A fragment begins there, and its checksum is right. */
function isWhole(bytes: Buffer, at: number, blockEnd: number): boolean {
  if (blockEnd - at < HEADER_BYTES) return false
  const end = endOf(bytes, at)
  return end <= blockEnd && maskedCrc32c(crc32c(bytes, at + HEADER_BYTES - 1, end)) === bytes.readUInt32LE(at)
}

/** The same records in a file without holes. */
export function writeLog(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  let blockLeft = BLOCK_BYTES
  for (const record of records) {
    let at = 0
    do {
      if (blockLeft < HEADER_BYTES) {
        parts.push(Buffer.alloc(blockLeft))
        blockLeft = BLOCK_BYTES
      }
      const length = Math.min(record.length - at, blockLeft - HEADER_BYTES)
      const isFirst = at === 0
      const isLast = at + length === record.length
      const fragment = Buffer.allocUnsafe(HEADER_BYTES + length)
      fragment.writeUInt16LE(length, 4)
      fragment[6] = typeOf(isFirst, isLast)
      record.copy(fragment, HEADER_BYTES, at, at + length)
      fragment.writeUInt32LE(maskedCrc32c(crc32c(fragment, HEADER_BYTES - 1, fragment.length)))
      parts.push(fragment)
      blockLeft -= fragment.length
      at += length
    } while (at < record.length)
  }
  return Buffer.concat(parts)
}

function typeOf(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FragmentType.Whole : FragmentType.First
  return isLast ? FragmentType.Last : FragmentType.Middle
}
