// Clients by others through every kind of listener: MQTT.js over TLS, WebSocket and both, Mosquitto's over TLS with
// certificates and with pre-shared keys, and over a unix socket.
import { readFileSync, writeFileSync } from 'node:fs'
import type { IClientOptions } from 'mqtt'
import { describe, expect, it } from 'vitest'
import type { ListenerInput } from '../../src/config/schema.ts'
import { type Certificates, certificates } from '../kit/certificates.ts'
import { openFrontDoor } from '../kit/front-door.ts'
import { ExitCode, hasMosquittoClients, MosquittoProgram } from './mosquitto-programs.ts'
import { connectMqttJs, Inbox } from './mqttjs-client.ts'

const secure = (made: Certificates, more: ListenerInput['tls'] = {}): ListenerInput => ({
  port: 0,
  protocol: 'mqtts',
  tls: { ...made.pair('server'), ...more },
})

describe.each(['mqtts', 'ws', 'wss'] as const)('MQTT.js over %s', (protocol) => {
  it.each([3, 4, 5] as const)('publishes and receives, in version %i', async (protocolVersion) => {
    const made = await certificates()
    const tls = protocol === 'ws' ? {} : made.pair('server')
    const { port, broker } = await openFrontDoor([{ protocol, port: 0, tls }])
    const options: IClientOptions = { protocolVersion, ca: readFileSync(made.file('ca.crt')) }
    const client = await connectMqttJs(`${protocol}://localhost:${port}/mqtt`, options)
    const inbox = new Inbox(client)
    await client.subscribeAsync('a/#', { qos: 2 })
    const large = 'x'.repeat(300_000)
    for (const qos of [0, 1, 2] as const) await client.publishAsync(`a/${qos}`, large, { qos })
    const received = await inbox.next(3)
    expect(received.map(({ topic, qos }) => [topic, qos])).toEqual([
      ['a/0', 0],
      ['a/1', 1],
      ['a/2', 2],
    ])
    expect(received.every(({ payload }) => payload.toString() === large)).toBe(true)
    const over = new Promise((resolve) => broker.on('disconnected', ({ reason }) => resolve(reason)))
    await client.endAsync()
    expect(await over).toBe('client-disconnected')
  })
})

describe.skipIf(!hasMosquittoClients())("Mosquitto's clients", () => {
  async function publishAndReceive(where: number | string, flags: readonly string[]): Promise<void> {
    const subscriber = new MosquittoProgram('mosquitto_sub', where, [
      ...flags,
      '-t',
      'a',
      '-C',
      '1',
      '-W',
      '10',
    ])
    const publisher = new MosquittoProgram('mosquitto_pub', where, [
      ...flags,
      '-t',
      'a',
      '-m',
      'x',
      '-r',
      '-q',
      '1',
    ])
    expect(await publisher.ended).toBe(ExitCode.Success)
    expect(await subscriber.ended).toBe(ExitCode.Success)
    expect(subscriber.lines).toEqual(['x'])
  }

  it('over TLS, with --cafile', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([secure(made)])
    await publishAndReceive(port, ['--cafile', made.file('ca.crt')])
  })

  it('over TLS, with a certificate of their own, and not with one that is revoked', async () => {
    const made = await certificates()
    const more = { ca: made.file('ca.crt'), crl: made.file('ca.crl'), requireCertificate: true } as const
    const { port } = await openFrontDoor([
      { ...secure(made, { ...more, userNameFrom: 'commonName' }), allowAnonymous: false },
    ])
    const as = (name: string): string[] => {
      const { certificate, key } = made.pair(name)
      return ['--cafile', made.file('ca.crt'), '--cert', certificate, '--key', key]
    }
    await publishAndReceive(port, as('client'))
    const revoked = new MosquittoProgram('mosquitto_pub', port, [
      ...as('revoked'),
      '-t',
      'a',
      '-m',
      'x',
      '-q',
      '1',
    ])
    expect(await revoked.ended).not.toBe(ExitCode.Success)
  })

  it('over TLS, with a pre-shared key', async () => {
    const made = await certificates()
    writeFileSync(made.file('psk'), 'meter:00112233\n')
    const tls = { pskFile: made.file('psk'), userNameFrom: 'pskIdentity' } as const
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls, allowAnonymous: false }])
    await publishAndReceive(port, ['--psk', '00112233', '--psk-identity', 'meter'])
    const wrong = ['--psk', '00112234', '--psk-identity', 'meter', '-t', 'a', '-m', 'x']
    expect(await new MosquittoProgram('mosquitto_pub', port, wrong).ended).not.toBe(ExitCode.Success)
  })

  it('over a unix socket', async () => {
    const made = await certificates()
    await openFrontDoor([{ socketPath: made.file('socket') }])
    await publishAndReceive(made.file('socket'), [])
  })
})
