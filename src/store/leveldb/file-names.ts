// The names of LevelDB's files. Used by examine.ts and mend.ts.

export const CURRENT = 'CURRENT'
export const LOCK = 'LOCK'

export type FileKind = 'current' | 'lock' | 'manifest' | 'log' | 'table'

export interface FileName {
  readonly kind: FileKind
  /** 0 for those that have none. */
  readonly number: number
}

const KINDS: readonly [kind: FileKind, pattern: RegExp][] = [
  ['current', /^CURRENT$/],
  ['lock', /^LOCK$/],
  ['manifest', /^MANIFEST-(\d+)$/],
  ['log', /^(\d+)\.log$/],
  ['table', /^(\d+)\.(?:ldb|sst)$/],
]

/** Undefined: LevelDB passes it by. */
export function parseFileName(name: string): FileName | undefined {
  for (const [kind, pattern] of KINDS) {
    const match = pattern.exec(name)
    if (match !== null) return { kind, number: Number(match[1] ?? 0) }
  }
  return undefined
}

const sixDigits = (number: number): string => String(number).padStart(6, '0')
export const manifestName = (number: number): string => `MANIFEST-${sixDigits(number)}`
export const logName = (number: number): string => `${sixDigits(number)}.log`
export const tableName = (number: number): string => `${sixDigits(number)}.ldb`

/** As LevelDB writes it: it would read `7.log` too, which somebody else has put there. */
export function isOwnName(name: string, { kind, number }: FileName): boolean {
  if (kind === 'manifest') return name === manifestName(number)
  if (kind === 'log') return name === logName(number)
  return kind !== 'table' || name.replace(/sst$/, 'ldb') === tableName(number)
}
