// A broker that breaks the one rule of acknowledge.ts in the way it is told to, as the program of a trial: the trial
// must catch it. `CRASH_SABOTAGE` is known to this file alone; started with the arguments of `godwit start`.
//
//   before-commit   whoever waits for a commit hears of it before anything is written, to a disk that is none of the
//                   fastest: each kill finds something that is not down
//   before-fsync    after the write, but before the fsync, although the trial was promised sync always
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { systemClock } from '../../src/base/clock.ts'
import { Broker } from '../../src/broker/index.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { BatchEncoder } from '../../src/store/batch-encoder.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import type { CommitListener } from '../../src/store/store.ts'

const WRITE_MS = 30

class HastyStore extends LevelStore {
  override afterCommit(listener: CommitListener, token: number): void {
    // Not within the call: the handler of the packet is not done yet.
    setImmediate(() => listener.committed(token))
  }
}

function slowDown(): void {
  const { write } = BatchEncoder.prototype
  BatchEncoder.prototype.write = async function (...batch) {
    await delay(WRITE_MS)
    await write.apply(this, batch)
  }
}

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { port: { type: 'string', short: 'p' }, data: { type: 'string', default: '' } },
})
const sabotage = process.env.CRASH_SABOTAGE
if (sabotage !== 'before-commit' && sabotage !== 'before-fsync') throw new Error(`no sabotage: ${sabotage}`)
const store =
  sabotage === 'before-commit'
    ? new HastyStore({ path: values.data, sync: 'always' })
    : new LevelStore({ path: values.data, sync: 'everysec' })
if (sabotage === 'before-commit') slowDown()
const log = pino()
const config = resolveConfig({
  listeners: [{ port: Number(values.port) }],
  persistence: { path: values.data },
})
const broker = await Broker.open({ config, store, clock: systemClock, log })
const addresses = await broker.listen()
log.info({ addresses: addresses.map(({ host, port }) => `mqtt://${host}:${port}`), sabotage }, 'serves')
