// Which known name did someone mean? For the messages about unknown options.

/** The candidate with the fewest letters to insert, delete or replace; case and underscores do not count. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined
  let smallest = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = editDistance(plainName(name), plainName(candidate))
    if (distance < smallest) {
      smallest = distance
      nearest = candidate
    }
  }
  return nearest
}

/** MAXIMUM_PACKET_SIZE and maximumPacketSize are one name. */
export const plainName = (name: string): string => name.replaceAll('_', '').toLowerCase().slice(0, 100)

/** Levenshtein's distance, one row of his table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
