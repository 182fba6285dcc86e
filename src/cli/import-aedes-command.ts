// `godwit import aedes`: the database of an Aedes broker into an empty data folder. aedes/take-over.ts does the work.
import { Command, InvalidArgumentError, Option } from 'commander'
import { AedesDatabase } from '../aedes/database.ts'
import { type TakenOver, takeOver } from '../aedes/take-over.ts'
import { SESSION_NEVER_EXPIRES } from '../packet/protocol.ts'
import { StoreImporter } from '../store/importer.ts'
import { Progress } from './progress.ts'

interface Flags {
  readonly data?: string
  readonly sessionExpiryInterval: number
}

export function createImportAedesCommand(): Command {
  return new Command('aedes')
    .description('take over the database that Aedes wrote with aedes-persistence-level')
    .helpOption('-h, --help', 'print this help')
    .argument('<folder>', 'the folder of that database; Aedes must have been stopped')
    .option('--data <folder>', 'data folder to fill; it must hold nothing yet')
    .addOption(
      new Option('--session-expiry-interval <seconds>', 'when sessions end whose clients do not come back')
        .argParser(parseSeconds)
        .default(SESSION_NEVER_EXPIRES, 'never, as with Aedes'),
    )
    .action((folder: string, _: unknown, command: Command) => {
      // `import` has a --data of its own, and takes it wherever it stands.
      const flags = command.optsWithGlobals<Flags>()
      if (flags.data === undefined) command.error("required option '--data <folder>' not specified")
      return importAedes(folder, flags.data, flags)
    })
}

async function importAedes(folder: string, data: string, { sessionExpiryInterval }: Flags): Promise<void> {
  const database = await AedesDatabase.open(folder)
  try {
    const importer = await StoreImporter.open(data)
    const progress = new Progress()
    const onProgress = (soFar: TakenOver): void => progress.tell(() => progressLine(soFar))
    try {
      const options = { sessionExpiryInterval, now: Date.now(), onProgress }
      const { taken, leftOut } = await takeOver(database, importer, options)
      await importer.close()
      progress.clear()
      printCounts(`imported from ${folder} into ${data}:`, countsOf(taken))
      if (leftOut.byReason.size > 0) printCounts('left out:', leftOut.byReason)
    } catch (error) {
      progress.clear()
      await importer.abandon()
      throw error
    }
  } finally {
    await database.close()
  }
}

const progressLine = ({ sessions, queued, inFlight, retained }: TakenOver): string =>
  `${sessions} sessions, ${queued + inFlight} queued messages, ${retained} retained messages`

const countsOf = (taken: TakenOver): ReadonlyMap<string, number> =>
  new Map([
    ['sessions', taken.sessions],
    ['subscriptions', taken.subscriptions],
    ['QoS 2 packet ids received and not released', taken.receivedPacketIds],
    ['queued messages', taken.queued],
    ['messages in flight', taken.inFlight],
    ['retained messages', taken.retained],
    ['wills', taken.wills],
  ])

function printCounts(title: string, counts: ReadonlyMap<string, number>): void {
  console.log(title)
  for (const [what, count] of counts) console.log(`${String(count).padStart(10)} ${what}`)
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d+$/.test(text) || seconds === 0 || seconds > SESSION_NEVER_EXPIRES) {
    throw new InvalidArgumentError('It must be a number of seconds from 1 to 4294967295, which is never.')
  }
  return seconds
}
