// `godwit export`: what a data folder holds, as JSON lines. store/rows.ts reads, export-format.ts writes.

import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { GodwitError } from '../base/errors.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { examineFolder } from '../store/leveldb/examine.ts'
import { readFormat } from '../store/restore.ts'
import { readRows } from '../store/rows.ts'
import { checkDataFolder } from './data-folder.ts'
import { EXPORT_VERSION, lineOf } from './export-format.ts'
import { Progress } from './progress.ts'

const EXIT_INCOMPLETE = 1

export function createExportCommand(): Command {
  return new Command('export')
    .description('write what a data folder holds as JSON lines')
    .helpOption('-h, --help', 'print this help')
    .argument('<folder>', 'the data folder; no broker may have it open')
    .option('-o, --output <file>', 'file to write, which must not exist yet (default: standard output)')
    .action((folder: string, { output }: { readonly output?: string }) => exportFolder(folder, output))
}

async function exportFolder(folder: string, output: string | undefined): Promise<void> {
  await checkDataFolder(folder)
  if (examineFolder(folder).damage.length > 0) {
    throw new GodwitError(
      'ERR_GODWIT_STORE_DAMAGED',
      `${folder} is damaged: see \`godwit doctor ${folder}\`, which can set it right`,
    )
  }
  const database = await openDatabase(folder)
  try {
    await readFormat(database)
    const exported = new ExportedLines(database)
    const to = output === undefined ? process.stdout : createWriteStream(output, { flags: 'wx', mode: 0o600 })
    await pipeline(exported.lines(), to, { end: output !== undefined }).catch((cause: Error) => {
      const message = `the export could not be written: ${cause.message}`
      throw new GodwitError('ERR_GODWIT_EXPORT_WRITE', message, { cause })
    })
    if (exported.damaged === 0) return
    process.exitCode = EXIT_INCOMPLETE
    console.error(
      `godwit: ${exported.damaged} rows cannot be read and were left out: see \`godwit doctor ${folder}\``,
    )
  } finally {
    await database.close()
  }
}

class ExportedLines {
  damaged = 0
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async *lines(): AsyncGenerator<string> {
    const progress = new Progress()
    let count = 0
    yield lineText({ godwit: 'export', version: EXPORT_VERSION, exportedAt: new Date().toISOString() })
    for await (const row of readRows(this.#database)) {
      if (row.kind === 'damaged') this.damaged++
      const line = lineOf(row)
      if (line === undefined) continue
      yield lineText(line)
      count++
      progress.tell(() => `${count} lines`)
    }
    progress.clear()
  }
}

const lineText = (line: object): string => `${JSON.stringify(line)}\n`
