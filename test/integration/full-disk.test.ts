// A disk that is full, as a small tmpfs: nothing is acknowledged that is not written, what is stored can be taken out,
// and all goes on by itself when there is room. The broker is the program; mounting takes root.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BrokerProcess } from './broker-process.ts'
import { WireClient } from './wire-client.ts'

const MIB = 1024 * 1024
const PAYLOAD_BYTES = 20_000

function mountSmallDisk(mebibytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'godwit-test', folder], { stdio: 'pipe' })
  return folder
}

function unmount(folder: string): void {
  execFileSync('umount', ['--lazy', folder])
  rmSync(folder, { recursive: true, force: true })
}

function canMount(): boolean {
  try {
    unmount(mountSmallDisk(1))
    return true
  } catch {
    return false
  }
}

const reason = canMount() ? '' : ' SKIPPED: a tmpfs cannot be mounted here (it takes Linux and root)'

/** Not to be compressed, but for what is the same in many. */
const noise = randomBytes(2 * PAYLOAD_BYTES)
const payloadOf = (number: number): Buffer => {
  const from = number % PAYLOAD_BYTES
  return Buffer.concat([Buffer.from(`${number} `), noise.subarray(from, from + PAYLOAD_BYTES)])
}

async function smallDisk(): Promise<{ disk: string; start: () => Promise<BrokerProcess> }> {
  const disk = mountSmallDisk(128)
  onTestFinished(() => unmount(disk))
  const start = async (): Promise<BrokerProcess> => {
    const env = { GODWIT_PERSISTENCE__RESERVE_BYTES: String(40 * MIB) }
    const broker = await BrokerProcess.start({ data: join(disk, 'data'), env })
    onTestFinished(async () => void (await broker.end('SIGKILL')))
    return broker
  }
  return { disk, start }
}

const joinAs = ({ port }: BrokerProcess, clientId: string): Promise<WireClient> =>
  WireClient.connect(port, {
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
  })

/** Sends without end, with so many in flight; counts what was acknowledged. */
class Publisher {
  acknowledged = 0
  #sent = 0
  #isStopped = false
  readonly #client: WireClient

  constructor(client: WireClient, inFlight: number) {
    this.#client = client
    client.handle((packet) => {
      if (packet.cmd !== 'puback') return
      this.acknowledged++
      if (!this.#isStopped) this.#send()
    })
    for (let i = 0; i < inFlight; i++) this.#send()
  }

  stop(): void {
    this.#isStopped = true
  }

  #send(): void {
    const number = this.#sent++
    this.#client.send({
      cmd: 'publish',
      topic: 'queue',
      qos: 1,
      messageId: (number % 65_535) + 1,
      payload: payloadOf(number),
      retain: false,
      dup: false,
    })
  }
}

/** Takes what comes, in order, and acknowledges it. */
class Reader {
  received = 0
  constructor(client: WireClient) {
    client.handle((packet) => {
      if (packet.cmd !== 'publish') return
      const number = Number(packet.payload.toString().split(' ', 1)[0])
      if (number === this.received) this.received++
      else if (number > this.received) throw new Error(`${this.received} was expected, came ${number}`)
      client.send({ cmd: 'puback', messageId: packet.messageId as number })
    })
  }
}

async function makeQueue(broker: BrokerProcess): Promise<void> {
  const reader = await joinAs(broker, 'reader')
  reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'queue', qos: 1 }] })
  await reader.receive('suback')
  await reader.end()
}

const said = (broker: BrokerProcess, text: string): boolean =>
  broker.logLines.some((line) => line.includes(text))
const LONG = { timeout: 60_000, interval: 100 }

describe.skipIf(reason !== '')(`a full disk${reason}`, { timeout: 180_000 }, () => {
  test('holds publishers back until the queue has been taken out, and nothing acknowledged is lost', async () => {
    const { start } = await smallDisk()
    const broker = await start()
    await makeQueue(broker)
    const publisher = new Publisher(await joinAs(broker, 'publisher'), 20)
    await expect.poll(() => said(broker, 'the disk is full'), LONG).toBe(true)
    const taken = publisher.acknowledged
    const reader = new Reader(await joinAs(broker, 'reader'))
    await expect.poll(() => said(broker, 'there is room on the disk again'), LONG).toBe(true)
    await expect.poll(() => publisher.acknowledged, LONG).toBeGreaterThan(taken + 100)
    publisher.stop()
    await expect.poll(() => reader.received >= publisher.acknowledged, LONG).toBe(true)
    expect(publisher.acknowledged).toBeGreaterThan(1_000)
    const late = await joinAs(broker, 'late')
    late.send({
      cmd: 'publish',
      topic: 'other',
      qos: 1,
      messageId: 1,
      payload: 'x',
      retain: true,
      dup: false,
    })
    await late.receive('puback')
  })

  test('that somebody else has filled: nothing is acknowledged, and all goes on when that is gone', async () => {
    const { disk, start } = await smallDisk()
    const broker = await start()
    await makeQueue(broker)
    const publisher = new Publisher(await joinAs(broker, 'publisher'), 5)
    await expect.poll(() => publisher.acknowledged, LONG).toBeGreaterThan(100)
    const filler = join(disk, 'filler')
    fill(filler, disk)
    await expect.poll(() => said(broker, 'the disk is full'), LONG).toBe(true)
    fill(filler, disk) // the reserve too
    await expect
      .poll(() => said(broker, 'are needed to go on') || said(broker, 'No space left'), LONG)
      .toBe(true)
    const acknowledged = publisher.acknowledged
    const { bavail } = statfsSync(disk)
    expect(bavail).toBe(0)
    rmSync(filler)
    await expect.poll(() => said(broker, 'there is room on the disk again'), LONG).toBe(true)
    await expect.poll(() => publisher.acknowledged, LONG).toBeGreaterThan(acknowledged + 100)
    publisher.stop()
    const promised = publisher.acknowledged
    await broker.end('SIGKILL')
    const again = await start()
    const reader = new Reader(await joinAs(again, 'reader'))
    await expect.poll(() => reader.received, LONG).toBeGreaterThanOrEqual(promised)
  })

  test('does not keep a broker from starting, and its queue from being taken out', async () => {
    const { disk, start } = await smallDisk()
    const first = await start()
    await makeQueue(first)
    const publisher = new Publisher(await joinAs(first, 'publisher'), 20)
    await expect.poll(() => publisher.acknowledged, LONG).toBeGreaterThan(1_000)
    publisher.stop()
    await first.end('SIGKILL')
    fill(join(disk, 'filler'), disk)
    const broker = await start()
    const reader = new Reader(await joinAs(broker, 'reader'))
    await expect.poll(() => reader.received, LONG).toBeGreaterThanOrEqual(publisher.acknowledged)
    rmSync(join(disk, 'filler'))
    expect(await broker.stop()).toBe(0)
  })
})

function fill(file: string, disk: string): void {
  writeFileSync(file, '', { flag: 'a' })
  const piece = Buffer.alloc(64 * 1024, 1)
  try {
    for (;;) appendFileSync(file, piece)
  } catch {
    expect(statfsSync(disk).bavail).toBe(0)
  }
}
