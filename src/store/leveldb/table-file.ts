// LevelDB's table files: what is whole in one, and what is not. LevelDB checks none of its checksums as classic-level
// opens it, and a damaged index may crash the process. Called by examine.ts and mend.ts.
//
//   | data block | data block | ... | filter | metaindex: where that is | index: where the blocks are | footer 48 |
//   block   | content, perhaps compressed | compression 1 | checksum 4 |
//   content | entry | entry | ... | offsets of restarts, 4 each | their number 4 |
//   entry   | bytes shared with the key before | bytes of its own | bytes of the value | key | value |
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { uncompress } from 'snappyjs'
import { crc32c, maskedCrc32c } from './crc32c.ts'
import { userKey } from './manifest.ts'
import { VarintReader } from './varint.ts'

export const TRAILER_BYTES = 5
export const FOOTER_BYTES = 48
export const MAGIC = Buffer.from('57fb808b247547db', 'hex')
export const Compression = { None: 0, Snappy: 1 } as const

/** Where a block is; its trailer comes behind it. */
export interface BlockHandle {
  readonly offset: number
  readonly size: number
}

/** A data block, and the stretch of keys that lies in it: behind `after`, up to `last`. */
export interface DataBlock extends BlockHandle {
  readonly after: Buffer | undefined
  readonly last: Buffer
}

export interface BlockEntry {
  readonly key: Buffer
  readonly value: Buffer
}

/** A table by its file, read where it is needed. */
export class TableFile {
  readonly size: number
  readonly #file: number

  /** `size` as the MANIFEST has it: undefined, that of the file. */
  constructor(path: string, size?: number) {
    this.#file = openSync(path, 'r')
    this.size = size ?? fstatSync(this.#file).size
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Fewer bytes where the file ends. */
  read(offset: number, length: number): Buffer {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) return Buffer.alloc(0)
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, readSync(this.#file, bytes, 0, length, offset))
  }

  get isIndexWhole(): boolean {
    return this.isWhole(this.#footer?.index)
  }

  /** Its data blocks in order; undefined: the index, or the footer that leads to it, is damaged. */
  get dataBlocks(): DataBlock[] | undefined {
    const index = this.#footer?.index
    const content = index && this.readBlock(index)
    const entries = content && entriesOf(content)
    if (entries === undefined) return undefined
    const blocks: DataBlock[] = []
    for (const { key, value } of entries) {
      const handle = readHandle(new VarintReader(value))
      if (handle === undefined) return undefined
      blocks.push({ ...handle, after: blocks.at(-1)?.last, last: userKey(key) })
    }
    return blocks
  }

  /** Where the filter is found; without it LevelDB looks into the blocks themselves. */
  get metaindex(): BlockHandle | undefined {
    return this.#footer?.metaindex
  }

  /** A damaged filter says of keys that they are not there. */
  get isFilterWhole(): boolean {
    const content = this.metaindex && this.readBlock(this.metaindex)
    const entries = content && entriesOf(content)
    return entries?.every(({ value }) => this.isWhole(readHandle(new VarintReader(value)))) === true
  }

  get #footer(): { metaindex: BlockHandle; index: BlockHandle } | undefined {
    const footer = this.read(this.size - FOOTER_BYTES, FOOTER_BYTES)
    if (!footer.subarray(FOOTER_BYTES - MAGIC.length).equals(MAGIC)) return undefined
    const reader = new VarintReader(footer)
    const metaindex = readHandle(reader)
    const index = readHandle(reader)
    // The footer has no checksum, but its blocks have their place.
    const areInPlace = endOf(metaindex) === index?.offset && endOf(index) === this.size - FOOTER_BYTES
    return metaindex === undefined || index === undefined || !areInPlace ? undefined : { metaindex, index }
  }

  isWhole(handle: BlockHandle | undefined): boolean {
    return handle !== undefined && this.#checked(handle) !== undefined
  }

  readBlock(handle: BlockHandle): Buffer | undefined {
    const block = this.#checked(handle)
    return block && contentOf(block)
  }

  /** With its trailer, whose checksum is right. */
  #checked({ offset, size }: BlockHandle): Buffer | undefined {
    const block = this.read(offset, size + TRAILER_BYTES)
    if (block.length < size + TRAILER_BYTES || block.length <= TRAILER_BYTES) return undefined
    return maskedCrc32c(crc32c(block, 0, size + 1)) === block.readUInt32LE(size + 1) ? block : undefined
  }
}

/** `block` with its trailer. */
export function contentOf(block: Buffer): Buffer | undefined {
  const content = block.subarray(0, block.length - TRAILER_BYTES)
  const compression = block[content.length]
  if (compression === Compression.None) return content
  if (compression !== Compression.Snappy) return undefined
  try {
    return uncompress(content)
  } catch {
    return undefined
  }
}

/** Undefined: it is no block, whatever its checksum says. */
export function entriesOf(content: Buffer): BlockEntry[] | undefined {
  if (content.length < 4) return undefined
  const restarts = content.readUInt32LE(content.length - 4)
  const end = content.length - 4 * (restarts + 1)
  if (restarts === 0) return []
  if (end < 0) return undefined
  const entries: BlockEntry[] = []
  const reader = new VarintReader(content.subarray(0, end))
  let before = Buffer.alloc(0)
  while (!reader.isAtEnd) {
    const shared = reader.number()
    const ownLength = reader.number()
    const valueLength = reader.number()
    const own = reader.raw(ownLength)
    const value = reader.raw(valueLength)
    if (own === undefined || value === undefined || !(shared <= before.length)) return undefined
    before = Buffer.concat([before.subarray(0, shared), own])
    entries.push({ key: before, value })
  }
  return entries
}

const endOf = (handle: BlockHandle | undefined): number =>
  handle === undefined ? -1 : handle.offset + handle.size + TRAILER_BYTES

function readHandle(reader: VarintReader): BlockHandle | undefined {
  const offset = reader.number()
  const size = reader.number()
  return Number.isSafeInteger(offset + size) ? { offset, size } : undefined
}
