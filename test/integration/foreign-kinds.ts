// The clients by others that there are, and those of them that are installed here.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { ForeignClientKind, ForeignVersion } from './foreign-client.ts'
import { mosquitto } from './mosquitto-foreign.ts'
import { mqttJs } from './mqttjs-foreign.ts'
import { pahoC, pahoPython } from './paho-foreign.ts'

export const foreignVersions: readonly ForeignVersion[] = [4, 5]

const foreignKinds: readonly ForeignClientKind[] = [mqttJs, mosquitto, pahoC, pahoPython]
export const installedKinds = foreignKinds.filter((kind) => kind.isInstalled())

/** Makes them ready before the tests of the file. Gives a function that names a new place for a store. */
export function prepareForeignKinds(): () => string {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'godwit-clients-'))
    await Promise.all(installedKinds.map((kind) => kind.prepare(folder)))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return () => join(folder, randomUUID())
}

/** One skipped test for each that is missing, under a title that says what would bring it. */
export function reportMissingKinds(): void {
  for (const kind of foreignKinds.filter((each) => !installedKinds.includes(each))) {
    process.stderr.write(`\n*** not installed: ${kind.package}; ${kind.name}'s tests are SKIPPED ***\n\n`)
    describe.skip(`${kind.name}: not installed, needs ${kind.package}`, () => {
      test('speaks with godwit', () => {})
    })
  }
}
