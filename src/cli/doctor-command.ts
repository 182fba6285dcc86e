// `godwit doctor`: whether a data folder is whole, what is in it, and what is wrong with it. Changes nothing unless it
// is told to.
import { Command } from 'commander'
import { DamageLog } from '../store/damage-log.ts'
import { openDatabase } from '../store/database.ts'
import { describeDamage } from '../store/describe-damage.ts'
import { type Inspection, inspect } from '../store/inspect.ts'
import { type Examination, examineFolder } from '../store/leveldb/examine.ts'
import { openWhole } from '../store/open-store.ts'
import { QUARANTINE_BYTES_MAX, Quarantine } from '../store/quarantine.ts'
import { settle } from '../store/settle.ts'
import { checkDataFolder } from './data-folder.ts'
import { Progress } from './progress.ts'

const EXIT_DAMAGED = 1

interface Flags {
  readonly repair?: boolean
  readonly json?: boolean
}

interface Diagnosis {
  readonly files: Examination
  /** Undefined: they were not looked at, since the files are damaged. */
  readonly rows: Inspection | undefined
  /** What a repair has done. */
  readonly repaired: readonly string[]
  readonly quarantine: string | undefined
}

export function createDoctorCommand(): Command {
  return new Command('doctor')
    .description('check a data folder: files, checksums, rows, references')
    .helpOption('-h, --help', 'print this help')
    .argument('<folder>', 'the data folder; no broker may have it open')
    .option('--repair', 'set aside what is damaged, and set the rest right')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExit code: 0 healthy, 1 damaged (or was, before --repair), 2 could not be looked at.',
    )
    .action((folder: string, flags: Flags) => doctor(folder, flags))
}

async function doctor(folder: string, { repair, json }: Flags): Promise<void> {
  await checkDataFolder(folder)
  const diagnosis = repair ? await repairFolder(folder) : await examine(folder)
  const { files, rows, repaired } = diagnosis
  const problems = [...repaired, ...files.damage.map(describeDamage), ...(rows?.problems ?? [])]
  const count = repaired.length + files.damage.length + (rows?.problemCount ?? 0)
  if (count > 0) process.exitCode = EXIT_DAMAGED
  if (json) console.log(JSON.stringify({ healthy: count === 0, ...factsOf(diagnosis), problems }))
  else for (const line of reportOf(folder, diagnosis, problems, count)) console.log(line)
}

async function examine(folder: string): Promise<Diagnosis> {
  const files = examineFolder(folder)
  const nothing = { repaired: [], quarantine: undefined }
  if (files.damage.length > 0) return { files, rows: undefined, ...nothing }
  const database = await openDatabase(folder)
  try {
    return { files, rows: await inspectWithProgress(database), ...nothing }
  } finally {
    await database.close()
  }
}

async function repairFolder(folder: string): Promise<Diagnosis> {
  const repaired: string[] = []
  const quarantine = new Quarantine(folder, Date.now, QUARANTINE_BYTES_MAX)
  const damages = new DamageLog(quarantine, (line) => repaired.push(line))
  const { database, losses } = await openWhole(folder, damages)
  try {
    const before = await inspectWithProgress(database)
    if (losses !== undefined || before.problemCount > 0) await settle(database, losses ?? [], damages)
    quarantine.settled()
    const rows = before.problemCount > 0 ? await inspectWithProgress(database) : before
    return { files: examineFolder(folder, 0), rows, repaired, quarantine: quarantine.path }
  } finally {
    await database.close()
  }
}

async function inspectWithProgress(database: Parameters<typeof inspect>[0]): Promise<Inspection> {
  const progress = new Progress()
  const inspection = await inspect(database, (rows) => progress.tell(() => `${rows} rows`))
  progress.clear()
  return inspection
}

const factsOf = ({ files, rows, quarantine }: Diagnosis) => ({
  tables: files.tables,
  tableBytes: files.tableBytes,
  ...(rows && { ...rows, problems: undefined }),
  ...(quarantine && { quarantine }),
})

function reportOf(
  folder: string,
  { files, rows, quarantine, repaired }: Diagnosis,
  problems: readonly string[],
  count: number,
): string[] {
  const lines = [`${folder}: ${files.tables} tables of ${files.tableBytes} bytes`]
  if (rows === undefined) lines.push('The rows were not looked at, since files are damaged.')
  else lines.push(...countsOf(rows))
  lines.push(...problems.map((problem) => `- ${problem}`))
  if (count > problems.length) lines.push(`- and ${count - problems.length} more`)
  if (count === 0) lines.push('Healthy.')
  else if (repaired.length > 0) lines.push(`Set right; what was damaged is in ${quarantine}`)
  else lines.push('Damaged. A start sets aside what is damaged and serves the rest, and so does --repair.')
  return lines
}

function countsOf(rows: Inspection): string[] {
  const counts: [string, number][] = [
    ['format', rows.format],
    ['sessions', rows.sessions],
    ['subscriptions', rows.subscriptions],
    ['queued messages', rows.queuedMessages],
    ['bytes of queued messages', rows.queuedBytes],
    ['messages stored once for several queues', rows.bodies],
    ['QoS 2 packet ids received and not released', rows.receivedPacketIds],
    ['retained messages', rows.retainedMessages],
    ['wills', rows.wills],
  ]
  const lines = counts.map(([what, count]) => `${String(count).padStart(14)} ${what}`)
  const { longestQueue } = rows
  if (longestQueue !== undefined) {
    const { messages, clientId } = longestQueue
    lines.push(
      `${String(messages).padStart(14)} in the longest queue, that of client ${JSON.stringify(clientId)}`,
    )
  }
  return lines
}
