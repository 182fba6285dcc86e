// MQTT.js through SCRAM-SHA-256 and over real sockets: a client by others that asks, is asked, and does it again.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mqtt, { type IConnackPacket, type MqttClient } from 'mqtt'
import type { IAuthPacket } from 'mqtt-packet'
import { expect, it, onTestFinished } from 'vitest'
import { createBroker, scramVerifier } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { ScramClient } from './scram-client.ts'

const SCRAM = 'SCRAM-SHA-256'

/** A broker on a port of its own, with one user from a file. */
async function serve(): Promise<number> {
  const scramFile = join(await temporaryFolder(), 'users')
  await writeFile(scramFile, `ada:${await scramVerifier('pencil', { iterations: 4_096 })}\n`)
  const broker = await createBroker({
    persistence: { enabled: false },
    allowAnonymous: false,
    authentication: { scramFile },
  })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return address?.port ?? 0
}

/** What the client answers with: the last exchange begun. */
class Answers {
  scram: ScramClient
  /** AUTH with Success. */
  onSuccess: (packet: IAuthPacket) => void = () => {}

  constructor(scram: ScramClient) {
    this.scram = scram
  }

  handle: MqttClient['handleAuth'] = (packet, callback) => {
    if (packet.reasonCode === 0) {
      this.onSuccess(packet)
      return callback()
    }
    callback(undefined, authPacket(0x18, this.scram.final(String(packet.properties?.authenticationData))))
  }
}

const authPacket = (reasonCode: number, data: string): IAuthPacket => ({
  cmd: 'auth',
  reasonCode,
  properties: { authenticationMethod: SCRAM, authenticationData: Buffer.from(data) },
})

async function open(password: string): Promise<{ client: MqttClient; answers: Answers }> {
  const answers = new Answers(new ScramClient('ada', password))
  const client = mqtt.connect(`mqtt://127.0.0.1:${await serve()}`, {
    protocolVersion: 5,
    protocolId: 'MQTT',
    reconnectPeriod: 0,
    manualConnect: true,
    properties: { authenticationMethod: SCRAM, authenticationData: Buffer.from(answers.scram.first) },
  })
  client.handleAuth = answers.handle
  onTestFinished(() => void client.end(true))
  return { client, answers }
}

const connected = (client: MqttClient): Promise<IConnackPacket> =>
  new Promise((resolve, reject) => {
    client.once('connect', resolve)
    client.once('error', reject)
    client.connect()
  })

/** MQTT.js answers AUTH, and leaves it to us to begin. */
const sendAuth = (client: MqttClient, packet: IAuthPacket): void =>
  (client as unknown as { _sendPacket(packet: IAuthPacket): void })._sendPacket(packet)

it('lets MQTT.js in, which is told that the broker knows its verifier', async () => {
  const { client, answers } = await open('pencil')
  const { properties } = await connected(client)
  expect(properties).toMatchObject({ authenticationMethod: SCRAM })
  expect(String(properties?.authenticationData)).toBe(answers.scram.serverFinal)
  await client.publishAsync('a', 'x', { qos: 1 })
})

it('refuses MQTT.js with a wrong password', async () => {
  const { client } = await open('pen')
  await expect(connected(client)).rejects.toMatchObject({ code: 0x86 })
})

it('has MQTT.js authenticate again while it publishes', async () => {
  const { client, answers } = await open('pencil')
  await connected(client)
  const success = new Promise<IAuthPacket>((resolve) => (answers.onSuccess = resolve))
  answers.scram = new ScramClient('ada', 'pencil', { nonce: 'another-nonce' })
  sendAuth(client, authPacket(0x19, answers.scram.first))
  const published = client.publishAsync('a', 'x', { qos: 2 })
  const { properties } = await success
  expect(String(properties?.authenticationData)).toBe(answers.scram.serverFinal)
  await published
})

it('ends the connection of MQTT.js when it authenticates again with a wrong password', async () => {
  const { client, answers } = await open('pencil')
  await connected(client)
  const told = new Promise((resolve) => client.once('disconnect', resolve))
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  answers.scram = new ScramClient('ada', 'pen')
  sendAuth(client, authPacket(0x19, answers.scram.first))
  expect(await told).toMatchObject({ reasonCode: 0x87 })
  await closed
})

it('lets MQTT.js in with a user name and a password where nobody is asked who clients are', async () => {
  const broker = await createBroker({ persistence: { enabled: false } })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${address?.port}`, {
    username: 'me',
    password: 'it',
  })
  await client.endAsync()
})
