// A broker in this process, on a port of its own choice, closed when the test is over.
import { onTestFinished } from 'vitest'
import { type Broker, type BrokerOptions, createBroker } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import type { WhenOver } from './foreign-client.ts'

export interface ServedBroker {
  readonly broker: Broker
  readonly port: number
}

export async function serveBroker(options: BrokerOptions, whenOver: WhenOver): Promise<ServedBroker> {
  const broker = await createBroker(options)
  whenOver(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return { broker, port: address?.port ?? 0 }
}

/** Resolves with the port. */
export async function serve(kind: 'memory' | 'level'): Promise<number> {
  const persistence = kind === 'level' ? { path: await temporaryFolder() } : { enabled: false }
  return (await serveBroker({ persistence }, onTestFinished)).port
}
