// A folder that goes when the test that asked for it is over.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-integration-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
