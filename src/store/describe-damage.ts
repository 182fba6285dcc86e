// Damage to a file in words: what is wrong with it, and what is missing for it. Used by level-store.ts and the doctor.
import { describeKey } from './describe-key.ts'
import type { Damage } from './leveldb/examine.ts'
import type { LostRange, Mended } from './leveldb/mend.ts'

export function describeDamage(damage: Damage): string {
  const { file } = damage
  switch (damage.kind) {
    case 'foreign':
      return `${file} is named like a file of the database and is none of them`
    case 'current':
      return `${file} is missing or does not lead to the database, but ${damage.manifest} does`
    case 'manifest':
      return `${file} is missing or damaged, and with it the list of tables`
    case 'log':
      return `${file}: ${damage.lostBytes} bytes in the middle cannot be read`
    case 'log end':
      return (
        `${file}: the last ${damage.tornBytes} bytes are no whole write: the file is cut off or damaged at its end, ` +
        'or the power failed during a write that nobody was told of'
      )
    case 'log missing':
      return `${file} is missing, and with it what was written last`
    case 'blocks': {
      const blocks = `${file}: ${damage.blocks.length} of its blocks cannot be read`
      return damage.blocks.length > 0
        ? blocks
        : `${file}: its filter cannot be read; no row is missing for that`
    }
    case 'index':
      return `${file}: its index cannot be read, or its end is cut off`
    case 'table missing':
      return `${file} is missing`
  }
}

/** With what became of it. */
export function describeMended({ damage, lost, blocksFound }: Mended): string {
  const parts = [describeDamage(damage)]
  if (damage.kind === 'manifest') parts.push('it was made anew from the tables')
  if (blocksFound !== undefined) parts.push(`${blocksFound} of its blocks were found without it`)
  if (lost !== undefined) parts.push(describeLost(lost))
  return parts.join('; ')
}

export const describeLost = ({ from, to }: LostRange): string =>
  from.length === 0 && to === undefined
    ? 'any row may be missing'
    : `rows may be missing from ${describeKey(from)} to ${to === undefined ? 'the end' : describeKey(to)}`
