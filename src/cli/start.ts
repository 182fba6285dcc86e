// `godwit start`: configuration, log, broker, and the life between the first line and the last.
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { readConfig } from '../config/load.ts'
import { resolveConfig } from '../config/resolve.ts'
import { isLocal } from '../config/resolve-listeners.ts'
import type { Config, ConfigInput, ListenerConfig } from '../config/schema.ts'
import { type BoundAddress, type Broker, createBroker } from '../index.ts'
import { createLog } from './log.ts'
import { firstSignal } from './signals.ts'
import { version } from './version.ts'

export interface StartFlags {
  readonly config?: string
  readonly port?: number
  readonly host?: string
  readonly data?: string
  readonly memory?: boolean
  readonly verbose?: boolean
}

/** Ends the process with 0 once the broker has stopped. Rejects with the GodwitError that kept it off. */
export async function start(flags: StartFlags): Promise<void> {
  const input = readConfig({ file: flags.config, env: process.env, overrides: overridesOf(flags) })
  const config = resolveConfig(input)
  const log = createLog(config.log)
  const signal = firstSignal()
  const broker = await createBroker({ ...input, logger: log })
  logStart(log, config, await listen(broker))
  warnOfRefusal(log, config, input)
  log.info({ signal: await signal }, 'stopping')
  await broker.close()
  log.info('stopped')
  process.exit(0)
}

/** What the flags say, as options; -p and --host are the first listener's. */
export function overridesOf({ port, host, data, memory, verbose }: StartFlags): ConfigInput {
  const listener = { ...(port !== undefined && { port }), ...(host !== undefined && { host }) }
  return {
    ...(Object.keys(listener).length > 0 && { listeners: [listener] }),
    ...(memory && { persistence: { enabled: false } }),
    ...(data !== undefined && { persistence: { enabled: true, path: data } }),
    ...(verbose && { log: { level: 'debug' } }),
  }
}

/** The data folder is open by now, and is left as it should be when there is nowhere to listen. */
async function listen(broker: Broker): Promise<BoundAddress[]> {
  try {
    return await broker.listen()
  } catch (error) {
    await broker.close()
    throw error
  }
}

function logStart(log: Logger, { persistence }: Config, bound: readonly BoundAddress[]): void {
  const addresses = bound.map(({ url }) => url)
  const serves = `godwit ${version} serves ${addresses.join(', ')}`
  if (persistence.enabled) {
    const data = resolve(persistence.path)
    const { sync } = persistence
    log.info({ version, addresses, data, sync }, `${serves}; data in ${data}, sync ${sync}`)
  } else {
    log.info({ version, addresses }, `${serves}; in memory, nothing survives a restart`)
  }
}

/** Who opens a listener to the network must say whom to let in; silence would look like a broken broker. */
function warnOfRefusal(log: Logger, { listeners }: Config, { allowAnonymous }: ConfigInput): void {
  const isClosed = (listener: ListenerConfig): boolean =>
    !isLocal(listener) && !listener.allowAnonymous && listener.tls.userNameFrom === 'none'
  const open = listeners.find(isClosed)
  if (open === undefined || allowAnonymous !== undefined) return
  log.warn(
    { listener: open.name },
    `clients without a user name will be refused, since ${open.name} is open to more than this machine: ` +
      'set allowAnonymous to true (GODWIT_ALLOW_ANONYMOUS=true) to admit them',
  )
}
