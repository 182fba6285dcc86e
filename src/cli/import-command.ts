// `godwit import`: an export, or what another broker kept, into a data folder that holds nothing yet. A file each kind.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { ZodError } from 'zod'
import { GodwitError } from '../base/errors.ts'
import { StoreImporter } from '../store/importer.ts'
import { EXPORT_VERSION, firstLineSchema, parseLine, putLine } from './export-format.ts'
import { createImportAedesCommand } from './import-aedes-command.ts'
import { Progress } from './progress.ts'

export function createImportCommand(): Command {
  /** A sub-command each. */
  const otherKinds: Command[] = [createImportAedesCommand()]
  const command: Command = new Command('import')
    .description('fill an empty data folder with an export')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .argument('<file>', 'what `godwit export` has written; - reads standard input')
    .option('--data <folder>', 'data folder to fill; it must hold nothing yet')
    .action((file: string, { data }: { readonly data?: string }) => {
      if (data === undefined) command.error("required option '--data <folder>' not specified")
      return importFile(file, data)
    })
  for (const kind of otherKinds) command.addCommand(kind)
  return command
}

async function importFile(file: string, data: string): Promise<void> {
  const input = file === '-' ? process.stdin : await openFile(file)
  const importer = await StoreImporter.open(data)
  try {
    // From here on it reads: whoever does not take its lines misses them.
    const lines = createInterface({ input })
    const counts = await putLines(lines, importer, file)
    await importer.close()
    console.log(`imported from ${file} into ${data}:`)
    for (const [type, count] of counts) console.log(`${String(count).padStart(10)} ${NAMES[type] ?? type}`)
  } catch (error) {
    await importer.abandon()
    throw error
  }
}

const NAMES: Readonly<Record<string, string>> = {
  session: 'sessions',
  subscription: 'subscriptions',
  received: 'QoS 2 packet ids received and not released',
  body: 'messages stored once for several queues',
  queued: 'queued messages',
  retained: 'retained messages',
  will: 'wills',
}

async function putLines(
  lines: AsyncIterable<string>,
  importer: StoreImporter,
  file: string,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map(Object.keys(NAMES).map((type) => [type, 0]))
  const sessions = new Set<number>()
  const progress = new Progress()
  let at = 0
  for await (const text of lines) {
    at++
    try {
      const json: unknown = JSON.parse(text)
      if (at === 1) {
        checkVersion(json)
        continue
      }
      const line = parseLine(json)
      if (line.type === 'session') sessions.add(line.number)
      else if ('session' in line && !sessions.has(line.session)) {
        throw new Error(`session ${line.session} is not above it`)
      }
      await putLine(importer, line)
      counts.set(line.type, (counts.get(line.type) ?? 0) + 1)
    } catch (error) {
      progress.clear()
      throw asInvalid(error, `${file}:${at}`)
    }
    progress.tell(() => `${at} lines`)
  }
  progress.clear()
  if (at === 0) throw new GodwitError('ERR_GODWIT_IMPORT_INVALID', `${file} is empty`)
  return counts
}

function checkVersion(json: unknown): void {
  const { version } = firstLineSchema.parse(json)
  if (version > EXPORT_VERSION) throw new Error(`version ${version}, this godwit knows ${EXPORT_VERSION}`)
}

/** What the disk says goes through; everything else is the line's fault. */
function asInvalid(error: unknown, where: string): Error {
  if (error instanceof Error && 'code' in error) return error
  const [issue] = error instanceof ZodError ? error.issues : []
  const why = issue === undefined ? (error as Error).message : `${issue.path.join('.')}: ${issue.message}`
  return new GodwitError('ERR_GODWIT_IMPORT_INVALID', `${where}: ${why}`, { cause: error })
}

function openFile(file: string): Promise<NodeJS.ReadableStream> {
  const stream = createReadStream(file)
  return new Promise((resolve, reject) => {
    stream.once('open', () => resolve(stream))
    stream.once('error', (cause) => {
      reject(new GodwitError('ERR_GODWIT_IMPORT_INVALID', `${file} cannot be read`, { cause }))
    })
  })
}
