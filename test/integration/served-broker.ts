// A broker in this process, on a port of its own choice, closed when the test is over.
import { onTestFinished } from 'vitest'
import { createBroker } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

/** Resolves with the port. */
export async function serve(kind: 'memory' | 'level'): Promise<number> {
  const persistence = kind === 'level' ? { path: await temporaryFolder() } : { enabled: false }
  const broker = await createBroker({ persistence })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return address?.port ?? 0
}
