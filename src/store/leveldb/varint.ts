// LevelDB's numbers of varying length, seven bits a byte, the low ones first. Under manifest.ts and table-file.ts.

/** Reads one field after the other; past the end, every number is NaN. */
export class VarintReader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  /** Beyond 2 ** 53 it is no longer exact. */
  number(): number {
    let value = 0
    for (let factor = 1; this.at < this.#bytes.length; factor *= 128) {
      const byte = this.#bytes[this.at++] as number
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
    return Number.NaN
  }

  /** Of a length that stands before it; undefined: there are not so many. */
  slice(): Buffer | undefined {
    return this.raw(this.number())
  }

  raw(length: number): Buffer | undefined {
    const end = this.at + length
    if (!(end <= this.#bytes.length)) return undefined
    const bytes = this.#bytes.subarray(this.at, end)
    this.at = end
    return bytes
  }
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}
