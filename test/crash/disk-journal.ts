// From the journal of bench/power-cut.c to what a power failure leaves of a folder: which names, on which files, and
// how many bytes of each are sure. Pure; power-cut.ts does it to the folder.
//
// How a file system brings down the changes of a folder (files made, renamed, unlinked) differs, so there are three:
//
//   ordered   in their order, and each fsync brings down all that came before it: ext4, XFS
//   loose     an fsync of a file brings down its own name; the others come with an fsync of the folder: btrfs
//   strict    only an fsync of the folder brings down anything: what POSIX promises
//
// What is not sure may be there all the same, as chance has it: of `ordered` a run from the oldest on, of the others
// nothing, such a run, or any of them.
import type { Random } from '../hostile/random.ts'

export const DISKS = ['ordered', 'loose', 'strict'] as const
export type DiskKind = (typeof DISKS)[number]

export interface Disk {
  /** Inode number by file name. */
  readonly names: ReadonlyMap<string, number>
  /** Bytes that are sure, by inode number. */
  readonly bytes: ReadonlyMap<number, number>
}

interface Change {
  readonly kind: 'create' | 'rename' | 'unlink'
  /** Lines of the journal before it. */
  readonly position: number
  readonly inode: number
  readonly name: string
  /** Of a rename. */
  readonly to: string
  isSure: boolean
}

export function survivorsOf(journal: string, before: Disk, kind: DiskKind, random: Random): Disk {
  const { changes, bytes } = readJournal(journal, before, kind)
  const names = new Map(before.names)
  for (const { kind: change, inode, name, to } of chosen(changes, kind, random)) {
    if (change === 'create') names.set(name, inode)
    // What it was to be done to may not have come down.
    else if (names.get(name) === inode) {
      names.delete(name)
      if (change === 'rename') names.set(to, inode)
    }
  }
  return { names, bytes }
}

/** The longest fsync of the journal, one that is not over included. `now`: microseconds of the system's run. */
export function longestSyncMs(journal: string, now: number): number {
  const lines = linesOf(journal)
  const ends = lines.filter(([what]) => what === 'sync' || what === 'syncdir')
  const over = new Set(ends.map((line) => Number(line.at(-2))))
  const running = lines.flatMap(([what, began], i) =>
    what === 'begin' && !over.has(i + 1) ? [now - Number(began)] : [],
  )
  return Math.max(0, ...running, ...ends.map((line) => Number(line.at(-1)))) / 1_000
}

const linesOf = (journal: string): string[][] =>
  journal
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))

function readJournal(journal: string, before: Disk, kind: DiskKind) {
  const live = new Map(before.names)
  const bytes = new Map(before.bytes)
  const changes: Change[] = []
  const makeSure = (position: number, inode?: number): void => {
    for (const change of changes) {
      if (change.position < position && (inode === undefined || change.inode === inode)) change.isSure = true
    }
  }
  linesOf(journal).forEach(([what, first = '', second = '', third], position) => {
    switch (what) {
      case 'create':
        live.set(second, Number(first))
        bytes.set(Number(first), 0)
        changes.push(changeOf('create', position, Number(first), second))
        break
      case 'rename':
      case 'unlink': {
        const inode = live.get(first) ?? 0
        live.delete(first)
        if (what === 'rename') live.set(second, inode)
        changes.push(changeOf(what, position, inode, first, second))
        break
      }
      case 'truncate':
        // That it could be undone is not imitated.
        bytes.set(Number(first), Math.min(bytes.get(Number(first)) ?? 0, Number(second)))
        break
      case 'sync':
        bytes.set(Number(first), Number(second))
        if (kind !== 'strict') makeSure(Number(third), kind === 'loose' ? Number(first) : undefined)
        break
      case 'begin':
        break
      case 'syncdir':
        makeSure(Number(first))
        break
      default:
        throw new Error(`a line of the journal begins with ${what}`)
    }
  })
  return { changes, bytes }
}

function changeOf(kind: Change['kind'], position: number, inode: number, name: string, to = ''): Change {
  return { kind, position, inode, name, to, isSure: false }
}

function chosen(changes: readonly Change[], kind: DiskKind, random: Random): Change[] {
  const sureEnd = changes.findLastIndex(({ isSure }) => isSure) + 1
  const runEnd = sureEnd + random.below(changes.length - sureEnd + 1)
  if (kind === 'ordered') return changes.slice(0, runEnd)
  const isThere = random.pick([() => false, (i: number) => i < runEnd, () => random.chance(50)])
  return changes.filter(({ isSure }, i) => isSure || isThere(i))
}
