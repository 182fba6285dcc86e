// A folder for one test, which goes with it: what the test opened in it is closed before, being opened after.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'godwit-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}
