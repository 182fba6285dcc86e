// The checksum at the end of each value: CRC-32 over the value and its key, so that neither a flipped bit nor a value
// under another's key passes for what was stored. LevelDB checks none when it reads, and its compaction would copy
// what is damaged into a file whose checksums are right again. Put on by ValueWriter.seal, taken off here.
import { crc32 } from 'node:zlib'

export const SEAL_BYTES = 4
/** Values of this version end without one. */
const UNSEALED_FORMAT = 1

/** The value without its checksum; undefined: it is not what was stored under this key, or there is none. */
export function unseal(key: Buffer, stored: Buffer | undefined): Buffer | undefined {
  if (stored === undefined || stored[0] === UNSEALED_FORMAT) return stored
  const end = stored.length - SEAL_BYTES
  if (end < 1) return undefined
  const value = stored.subarray(0, end)
  return crc32(key, crc32(value)) === stored.readUInt32BE(end) ? value : undefined
}

/** Where the value ends, whether or not its checksum is right. */
export const unsealedLength = (stored: Buffer): number =>
  stored[0] === UNSEALED_FORMAT ? stored.length : stored.length - SEAL_BYTES
