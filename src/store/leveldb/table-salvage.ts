// What a damaged table still holds, as a table that LevelDB can open: of the very size that the MANIFEST gives, so that
// nothing else has to change. Called by mend.ts.
//
//   a data block is damaged        it is made an empty one, where it is
//   the filter is                  the block that leads to it is made an empty one: LevelDB does without
//   the index or the footer is,    blocks are found one behind the other by their checksums, up to the first that is
//   or the end is cut off          damaged, and get a new index
import { crc32c, maskedCrc32c, step } from './crc32c.ts'
import { INTERNAL_KEY_BYTES, userKey } from './manifest.ts'
import {
  type BlockHandle,
  Compression,
  contentOf,
  entriesOf,
  FOOTER_BYTES,
  MAGIC,
  TRAILER_BYTES,
} from './table-file.ts'
import { varint } from './varint.ts'

/** A block without restarts has no entries, whatever else is in it. */
const NO_ENTRIES = Buffer.alloc(4)

/** Makes blocks of the table empty ones, in `bytes`. */
export function emptyBlocks(bytes: Buffer, blocks: readonly BlockHandle[]): void {
  for (const { offset, size } of blocks) {
    const end = offset + size
    NO_ENTRIES.copy(bytes, end - NO_ENTRIES.length)
    bytes[end] = Compression.None
    bytes.writeUInt32LE(maskedCrc32c(crc32c(bytes, offset, end + 1)), end + 1)
  }
}

export interface RebuiltTable {
  readonly bytes: Buffer
  readonly blocks: number
  /** The last key in it, as LevelDB has it; undefined: there is none. */
  readonly lastKey: Buffer | undefined
}

/** `size` undefined: as large as it gets. */
export function rebuildTable(damaged: Buffer, size: number | undefined): RebuiltTable {
  const found: FoundBlock[] = []
  let before: Buffer | undefined
  for (let at = 0; ; ) {
    const block = dataBlockAt(damaged, at, before)
    if (block === undefined) break
    found.push(block)
    before = block.lastKey
    at = block.offset + block.size + TRAILER_BYTES
  }
  let end = endOf(found)
  while (size !== undefined && end.length + dataBytes(found) > size && found.length > 0) {
    found.pop()
    end = endOf(found)
  }
  const data = dataBytes(found)
  const bytes = Buffer.alloc(size ?? data + end.length)
  damaged.copy(bytes, 0, 0, data)
  // Index and footer are the last bytes; a gap before them is nobody's.
  const indexOffset = bytes.length - end.length
  endOf(found, indexOffset).copy(bytes, indexOffset)
  return { bytes, blocks: found.length, lastKey: found.at(-1)?.lastKey }
}

interface FoundBlock extends BlockHandle {
  readonly lastKey: Buffer
}

const dataBytes = (found: readonly FoundBlock[]): number => {
  const last = found.at(-1)
  return last === undefined ? 0 : last.offset + last.size + TRAILER_BYTES
}

/** The block that begins there and ends where the checksum behind it says so. */
function dataBlockAt(bytes: Buffer, offset: number, before: Buffer | undefined): FoundBlock | undefined {
  let sum = -1
  for (let at = offset; at + TRAILER_BYTES <= bytes.length; at++) {
    const byte = bytes[at] as number
    const isEnd =
      byte <= Compression.Snappy && maskedCrc32c(~step(sum, byte) >>> 0) === bytes.readUInt32LE(at + 1)
    if (isEnd && at > offset) return asDataBlock(bytes, offset, at - offset, before)
    sum = step(sum, byte)
  }
  return undefined
}

/** The filter comes behind the last of them, and its keys are none. */
function asDataBlock(
  bytes: Buffer,
  offset: number,
  size: number,
  before: Buffer | undefined,
): FoundBlock | undefined {
  const content = contentOf(bytes.subarray(offset, offset + size + TRAILER_BYTES))
  const entries = content && entriesOf(content)
  const first = entries?.[0]?.key
  const lastKey = entries?.at(-1)?.key
  if (first === undefined || lastKey === undefined || first.length < INTERNAL_KEY_BYTES) return undefined
  if (before !== undefined && userKey(first).compare(userKey(before)) < 0) return undefined
  return { offset, size, lastKey }
}

/** An empty metaindex, the index and the footer, as they stand at `offset`. */
function endOf(found: readonly FoundBlock[], offset = 0): Buffer {
  const metaindex = sealed(NO_ENTRIES)
  const index = sealed(indexOf(found))
  const footer = Buffer.alloc(FOOTER_BYTES)
  const handles = [
    handleOf(offset, NO_ENTRIES.length),
    handleOf(offset + metaindex.length, index.length - TRAILER_BYTES),
  ]
  Buffer.concat(handles).copy(footer)
  MAGIC.copy(footer, FOOTER_BYTES - MAGIC.length)
  return Buffer.concat([metaindex, index, footer])
}

/** Each entry a restart, with its whole key. */
function indexOf(found: readonly FoundBlock[]): Buffer {
  if (found.length === 0) return NO_ENTRIES
  const parts: Buffer[] = []
  const restarts: number[] = []
  let length = 0
  for (const { offset, size, lastKey } of found) {
    const handle = handleOf(offset, size)
    const entry = Buffer.concat([varint(0), varint(lastKey.length), varint(handle.length), lastKey, handle])
    restarts.push(length)
    length += entry.length
    parts.push(entry)
  }
  const tail = Buffer.alloc(4 * (restarts.length + 1))
  for (const [i, restart] of [...restarts, restarts.length].entries()) tail.writeUInt32LE(restart, 4 * i)
  return Buffer.concat([...parts, tail])
}

const handleOf = (offset: number, size: number): Buffer => Buffer.concat([varint(offset), varint(size)])

function sealed(content: Buffer): Buffer {
  const block = Buffer.concat([content, Buffer.alloc(TRAILER_BYTES)])
  block[content.length] = Compression.None
  block.writeUInt32LE(maskedCrc32c(crc32c(block, 0, content.length + 1)), content.length + 1)
  return block
}
