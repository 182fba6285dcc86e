// A broker with little memory, flooded: publishers are held back instead of the process dying, and when its subscriber
// takes what there is for it, all of it arrives.
import { expect, it, onTestFinished } from 'vitest'
import { LoadPublisher, LoadReceiver, publishFrame } from '../../bench/load.ts'
import { memoryFigures } from '../../bench/process-figures.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { BrokerProcess } from './broker-process.ts'

const BOUND_MIB = 160
const PUBLISHERS = 8
/** In all twice as much as fits. */
const MESSAGES_EACH = 10_000
const PAYLOAD = Buffer.alloc(4_000, 'x')
const IN_FLIGHT = 100

it.skipIf(process.platform !== 'linux')(
  'goes on through a flood that does not fit into its memory, and loses nothing',
  async () => {
    // A session that is not kept waits in memory alone.
    const env = { GODWIT_LIMITS__MEMORY_BYTES_MAX: String(BOUND_MIB * 1024 * 1024) }
    const broker = await BrokerProcess.start({ data: await temporaryFolder(), env })
    onTestFinished(() => broker.end('SIGKILL').then(() => {}))
    const { port, processId } = broker
    const hasLogged = (words: string) => broker.logLines.some((line) => line.includes(words))
    const receiver = await LoadReceiver.connect({ port, clientId: 'slow' })
    await receiver.subscribe('flood', 1)
    receiver.pause()
    let published = 0
    const publishing = Array.from({ length: PUBLISHERS }, async (_, number) => {
      const publisher = await LoadPublisher.connect({ port, clientId: `publisher ${number}` })
      await publisher.publish(MESSAGES_EACH, IN_FLIGHT, (_index, packetId) =>
        publishFrame('flood', PAYLOAD, packetId),
      )
      published += MESSAGES_EACH
    })
    await expect.poll(() => hasLogged('memory is short'), { timeout: 60_000 }).toBe(true)
    expect(published).toBeLessThan(PUBLISHERS * MESSAGES_EACH)
    expect(memoryFigures(processId).ownMiB).toBeLessThan(1.5 * BOUND_MIB)
    receiver.resume()
    await Promise.all(publishing)
    await receiver.until(PUBLISHERS * MESSAGES_EACH)
    expect(receiver.received).toBe(PUBLISHERS * MESSAGES_EACH)
    expect(hasLogged('memory is there again')).toBe(true)
    expect(hasLogged('messages dropped')).toBe(false)
    expect(await broker.stop()).toBe(0)
  },
  120_000,
)
