// TLS listeners: what is agreed on, who is shown which certificate, and what a session may be resumed with.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { lifetime, writePair } from '../../certs/make.ts'
import { type Certificates, certificates } from '../kit/certificates.ts'
import { flow } from '../kit/flow.ts'
import { dialTls, openFrontDoor, openTls, peerOver } from '../kit/front-door.ts'
import { connack, connect, puback, publish1, suback, subscribe } from '../kit/packets.ts'

const trusting = (made: Certificates): ConnectionOptions => ({ ca: readFileSync(made.file('ca.crt')) })
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const only = (version: (typeof VERSIONS)[number]): ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
})

describe('a TLS listener', () => {
  it.each(VERSIONS)('speaks MQTT inside %s', async (version) => {
    const made = await certificates()
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
    await flow(await dialTls(port, { ...trusting(made), ...only(version) }))
      .send(connect('c'))
      .receive(connack())
      .send(subscribe(1, 'a', 1))
      .receive(suback(1, 1))
      .send(publish1(7, 'a', 'x'))
      .receiveUnordered(puback(7), publish1(1, 'a', 'x'))
  })

  it('carries what is larger than a record, both ways', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
    const payload = 'long '.repeat(200_000)
    await flow(await dialTls(port, trusting(made)))
      .send(connect('c'), subscribe(1, 'a', 1))
      .receive(connack(), suback(1, 1))
      .send(publish1(7, 'a', payload))
      .receiveUnordered(puback(7), publish1(1, 'a', payload))
      .receiveNothing()
  })

  it('speaks no version below minVersion', async () => {
    const made = await certificates()
    const tls = { ...made.pair('server'), minVersion: 'TLSv1.3' } as const
    const { port, logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    await expect(openTls(port, { ...trusting(made), maxVersion: 'TLSv1.2' })).rejects.toThrow(
      /protocol version/,
    )
    expect(await logged(/tls-handshake-failed/)).toMatchObject({ listener: 'mqtts-0' })
    expect((await openTls(port, trusting(made))).getProtocol()).toBe('TLSv1.3')
  })

  it('takes the ciphers that it is told to', async () => {
    const made = await certificates()
    const tls = { ...made.pair('server'), ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    const options = { ...trusting(made), ...only('TLSv1.2') }
    expect((await openTls(port, options)).getCipher().name).toBe('ECDHE-ECDSA-AES256-GCM-SHA384')
    const others = openTls(port, { ...options, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })
    await expect(others).rejects.toThrow(/handshake failure/)
  })

  it('agrees on mqtt by ALPN, with whoever offers it or offers nothing', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
    const offering = (...ALPNProtocols: string[]): Promise<TLSSocket> =>
      openTls(port, { ...trusting(made), ALPNProtocols })
    expect((await offering('h2', 'mqtt')).alpnProtocol).toBe('mqtt')
    expect((await openTls(port, trusting(made))).alpnProtocol).toBe(false)
    await expect(offering('h2')).rejects.toThrow(/no application protocol/)
  })

  it('shows the certificate of the name that a client asks for, and the first to all others', async () => {
    const made = await certificates()
    await writePair(made.folder, 'second', await made.ca.server({ dns: ['b.example', '*.b.example'] }))
    const tls = { ...made.pair('server'), certificates: [made.pair('second')] }
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    const shownTo = async (servername: string): Promise<unknown> => {
      const socket = await openTls(port, {
        ...trusting(made),
        servername,
        checkServerIdentity: () => undefined,
      })
      return socket.getPeerCertificate().subject.CN
    }
    expect(await shownTo('b.example')).toBe('b.example')
    expect(await shownTo('X.B.EXAMPLE')).toBe('b.example')
    for (const other of ['localhost', 'a.x.b.example', 'c.example', '', '.', '*', 'x'.repeat(250)]) {
      expect(await shownTo(other), other).toBe('localhost')
    }
  })

  it('closes who does not begin TLS, and says so', async () => {
    const made = await certificates()
    const { port, logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
    await once(socket, 'close')
    expect(await logged(/tls-handshake-failed/)).toMatchObject({
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      error: expect.stringMatching(/wrong version number/),
    })
  })

  it.each([
    ['says nothing', Buffer.alloc(0)],
    ['stops within its first message', Buffer.from('16030100f8010000f403', 'hex')],
  ])('closes who %s after connectTimeoutMs', async (_, bytes) => {
    const made = await certificates()
    const listeners = [{ protocol: 'mqtts', port: 0, tls: made.pair('server') }] as const
    const { port, logged } = await openFrontDoor(listeners, { limits: { connectTimeoutMs: 200 } })
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {})
    if (bytes.length > 0) socket.write(bytes)
    await once(socket, 'close')
    expect(await logged(/connection closed/)).toMatchObject({ listener: 'mqtts-0' })
  })

  it('holds whom it has let in to connectTimeoutMs and connectBytesMax, like all others', async () => {
    const made = await certificates()
    const listeners = [{ protocol: 'mqtts', port: 0, tls: made.pair('server') }] as const
    const limits = { connectTimeoutMs: 300, connectBytesMax: 100 }
    const { port, logged } = await openFrontDoor(listeners, { limits })
    await flow(await dialTls(port, trusting(made))).closed()
    await logged(/connect-timeout/)
    await flow(await dialTls(port, trusting(made)))
      .send(connect('x'.repeat(200)))
      .closed()
  })
})

/** A connection that resumes what `options` has a session of; the sessions that it is given in turn. */
async function visit(port: number, options: ConnectionOptions) {
  const socket = await openTls(port, options)
  const isReused = socket.isSessionReused()
  // A ticket of 1.3 comes behind the handshake, so something has to come back first.
  const peer = peerOver(socket)
  let session = socket.getSession()
  socket.on('session', (ticket) => {
    session = ticket
  })
  await flow(peer).send(connect('c')).receive(connack())
  await peer.drop()
  return { isReused, session }
}

describe('a TLS session', () => {
  it.each(VERSIONS)('is resumed with its ticket in %s, until the keys change', async (version) => {
    const made = await certificates()
    const { port, broker } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
    const options = { ...trusting(made), ...only(version) }
    const first = await visit(port, options)
    expect(first.isReused).toBe(false)
    const again = await visit(port, { ...options, session: first.session })
    expect(again.isReused).toBe(true)
    broker.reload()
    expect((await visit(port, { ...options, session: again.session })).isReused).toBe(false)
  })

  it.each(VERSIONS)('is resumed in %s also under the name of a further certificate', async (version) => {
    const made = await certificates()
    await writePair(made.folder, 'second', await made.ca.server({ dns: ['b.example'] }))
    const tls = { ...made.pair('server'), certificates: [made.pair('second')] }
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    const options = { ...trusting(made), ...only(version), servername: 'b.example' }
    const first = await visit(port, options)
    expect((await visit(port, { ...options, session: first.session })).isReused).toBe(true)
  })

  it.each(VERSIONS)('is never resumed in %s where ticketSeconds is 0', async (version) => {
    const made = await certificates()
    const tls = { ...made.pair('server'), ticketSeconds: 0 }
    const { port } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    const options = { ...trusting(made), ...only(version) }
    const first = await visit(port, options)
    expect((await visit(port, { ...options, session: first.session })).isReused).toBe(false)
  })
})

describe('certificate files that change', () => {
  const shown = async (port: number, made: Certificates): Promise<string> =>
    (await openTls(port, trusting(made))).getPeerCertificate().serialNumber

  it('are in use for new connections soon after, and those that are open stay', async () => {
    const made = await certificates()
    const tls = { ...made.pair('server'), watchIntervalMs: 20 }
    const { port, logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    const before = await shown(port, made)
    const peer = await dialTls(port, trusting(made))
    await flow(peer).send(connect('c')).receive(connack())
    await writePair(made.folder, 'server', await made.ca.server({ dns: ['localhost'] }))
    await logged(/TLS files have changed, and are in use/)
    expect(await shown(port, made)).not.toBe(before)
    await flow(peer).receiveNothing()
  })

  it.each([
    ['empty', ''],
    ['no certificate', 'certainly not\n'],
    ['a broken certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
  ])('and are %s leave the last good ones in force, loudly, until they are good again', async (_, text) => {
    const made = await certificates()
    const tls = { ...made.pair('server'), watchIntervalMs: 20 }
    const { port, logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    const before = await shown(port, made)
    writeFileSync(made.file('server.crt'), text)
    const line = await logged(/the ones before stay in force/)
    expect(line).toMatchObject({ level: 50, err: { message: expect.stringContaining('server.crt') } })
    expect(await shown(port, made)).toBe(before)
    await writePair(made.folder, 'server', await made.ca.server({ dns: ['localhost'] }))
    await logged(/and are in use/)
    expect(await shown(port, made)).not.toBe(before)
  })
})

describe('how long a certificate is good', () => {
  it('is in the log and under $SYS, in days', async () => {
    const made = await certificates()
    const soon = lifetime(20.5 * 86_400_000)
    await writePair(made.folder, 'server', await made.ca.server({ dns: ['localhost'] }, soon))
    const { port, logged } = await openFrontDoor([
      { name: 'public', protocol: 'mqtts', port: 0, tls: made.pair('server') },
    ])
    expect(await logged(/expires in 20 days/)).toMatchObject({ level: 40, listener: 'public', days: 20 })
    const peer = await dialTls(port, trusting(made))
    await flow(peer)
      .send(connect('c'), subscribe(1, '$SYS/broker/listeners/+/certificate/days', 0))
      .receive(connack(), suback(1, 0))
    const { packet } = await peer.next()
    expect(packet).toMatchObject({ topic: '$SYS/broker/listeners/public/certificate/days', payload: '20' })
  })

  it('does not keep an expired one from being used, but is an error in the log', async () => {
    const made = await certificates()
    await writePair(
      made.folder,
      'server',
      await made.ca.server({ dns: ['localhost'] }, { from: new Date(0), to: new Date(Date.now() - 1_000) }),
    )
    const { logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
    expect(await logged(/has expired/)).toMatchObject({ level: 50, file: join(made.folder, 'server.crt') })
  })
})
