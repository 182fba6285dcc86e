// Topics are read level by level between the separators, without an array of all of them.
// Used by the validators and both tries.
//
//   a/bc//d    levels: "a" "bc" "" "d"    for (start = 0; start <= length; start = end + 1) end = levelEnd(...)

export const TOPIC_BYTES_MAX = 65_535
/** A character of UTF-16 becomes at most so many bytes of UTF-8. */
const BYTES_PER_CHARACTER_MAX = 3

/** From here a slice is no copy but a view, which keeps the whole topic alive: 65 kB for a level of 13 characters. */
const VIEW_LENGTH_MIN = 13
const TABLE_SIZE_MAX = 1024
const TABLE_LEVEL_LENGTH_MAX = 32

export const CharCode = { Null: 0, Hash: 0x23, Dollar: 0x24, Plus: 0x2b, Separator: 0x2f } as const

/** Where the level that begins at `start` ends: at a separator or at the end of `topic`. */
export function levelEnd(topic: string, start: number): number {
  const separator = topic.indexOf('/', start)
  return separator === -1 ? topic.length : separator
}

/** Topics that begin with $ live apart: a wildcard in the first level never sees them. */
export const startsWithDollar = (topic: string): boolean => topic.charCodeAt(0) === CharCode.Dollar

/** [v5 MQTT-4.7.2-1] [v3.1.1 MQTT-4.7.2-1] Such a filter matches no name that begins with $. */
export function startsWithWildcard(topicFilter: string): boolean {
  const code = topicFilter.charCodeAt(0)
  return code === CharCode.Plus || code === CharCode.Hash
}

/** [v5 MQTT-4.7.3-1] [v5 MQTT-4.7.3-3] [v3.1.1 MQTT-4.7.3-1] [v3.1.1 MQTT-4.7.3-3] */
export function lengthProblem(topic: string): string | undefined {
  if (topic === '') return 'it is empty'
  if (topic.length * BYTES_PER_CHARACTER_MAX <= TOPIC_BYTES_MAX) return undefined
  return Buffer.byteLength(topic) > TOPIC_BYTES_MAX ? `it is longer than ${TOPIC_BYTES_MAX} bytes` : undefined
}

/**
 * The strings that nodes keep as their level. "temperature" under a million devices is one string, not a million.
 * Bounded: a full table is emptied and fills again, which costs a few repeated strings and no bookkeeping.
 */
export class LevelTable {
  readonly #levels = new Map<string, string>()

  /** A string equal to `level` that is worth keeping. */
  keep(level: string): string {
    if (level.length > TABLE_LEVEL_LENGTH_MAX) return ownCopy(level)
    const known = this.#levels.get(level)
    if (known !== undefined) return known
    if (this.#levels.size >= TABLE_SIZE_MAX) this.#levels.clear()
    const copy = ownCopy(level)
    this.#levels.set(copy, copy)
    return copy
  }
}

function ownCopy(level: string): string {
  return level.length < VIEW_LENGTH_MIN ? level : Buffer.from(level, 'utf8').toString('utf8')
}
