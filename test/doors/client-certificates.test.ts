// Who a TLS client is: certificates that it must show, what becomes a user name of them, and pre-shared keys.
import { readFileSync, writeFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { DevelopmentCa, writePair } from '../../certs/make.ts'
import type { ListenerInput } from '../../src/config/schema.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { type Certificates, certificates } from '../kit/certificates.ts'
import { flow } from '../kit/flow.ts'
import { dialTls, openFrontDoor, openTls } from '../kit/front-door.ts'
import { connack, connect } from '../kit/packets.ts'

type TlsInput = NonNullable<ListenerInput['tls']>

const mutual = (made: Certificates, more: TlsInput = {}): ListenerInput => ({
  protocol: 'mqtts',
  port: 0,
  tls: { ...made.pair('server'), ca: made.file('ca.crt'), requireCertificate: true, ...more },
})

/** As a client that shows the certificate `name`. */
function showing(made: Certificates, name: string): ConnectionOptions {
  const { certificate, key } = made.pair(name)
  return { ca: readFileSync(made.file('ca.crt')), cert: readFileSync(certificate), key: readFileSync(key) }
}
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** In 1.3 a client believes itself through before the server has looked at its certificate. */
async function isLetIn(port: number, options: ConnectionOptions): Promise<boolean> {
  try {
    await flow(await dialTls(port, options))
      .send(connect('c'))
      .receive(connack())
    return true
  } catch {
    return false
  }
}

describe.each(VERSIONS)('where certificates are required, in %s', (version) => {
  const only = { minVersion: version, maxVersion: version }

  it('one of the CA is let in, and no certificate, another CA’s, an expired and a revoked one are not', async () => {
    const made = await certificates()
    const stranger = await DevelopmentCa.create('another CA')
    await writePair(made.folder, 'stranger', await stranger.client('CN=client'))
    const { port, log } = await openFrontDoor([mutual(made, { crl: made.file('ca.crl') })])
    expect(await isLetIn(port, { ...showing(made, 'client'), ...only })).toBe(true)
    for (const name of ['stranger', 'expired', 'revoked']) {
      expect(await isLetIn(port, { ...showing(made, name), ...only }), name).toBe(false)
    }
    expect(await isLetIn(port, { ca: readFileSync(made.file('ca.crt')), ...only })).toBe(false)
    const errors = log.filter(({ reason }) => reason === 'tls-handshake-failed').map(({ error }) => error)
    expect(errors).toEqual([
      expect.stringMatching(/UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF|DEPTH_ZERO/),
      'CERT_HAS_EXPIRED',
      'CERT_REVOKED',
      expect.stringMatching(/did not return a certificate/),
    ])
  })

  it('who was refused has no ticket to come back with', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([mutual(made, { crl: made.file('ca.crl') })])
    for (const who of [{ ca: readFileSync(made.file('ca.crt')) }, showing(made, 'revoked')]) {
      const sessions: Buffer[] = []
      const socket = await openTls(port, { ...who, ...only }).catch(() => undefined)
      socket?.on('session', (session) => sessions.push(session))
      socket?.on('error', () => {})
      await new Promise((resolve) => (socket === undefined ? resolve(0) : socket.once('close', resolve)))
      for (const session of [...sessions, socket?.getSession()]) {
        if (session === undefined) continue
        expect(await isLetIn(port, { ...who, ...only, session })).toBe(false)
      }
    }
  })

  it('one that is revoked later is refused from then on, with the ticket of before too', async () => {
    const made = await certificates()
    const once = await made.ca.client('CN=later')
    await writePair(made.folder, 'later', once)
    const { port, logged } = await openFrontDoor([
      mutual(made, { crl: made.file('ca.crl'), watchIntervalMs: 20 }),
    ])
    const options = { ...showing(made, 'later'), ...only }
    const socket = await openTls(port, options)
    let session = socket.getSession()
    socket.on('session', (ticket) => {
      session = ticket
    })
    expect(await isLetIn(port, { ...options, ...(session && { session }) })).toBe(true)
    writeFileSync(made.file('ca.crl'), await made.ca.revocationList([once]))
    await logged(/and are in use/)
    expect(await isLetIn(port, { ...options, ...(session && { session }) })).toBe(false)
    expect(await isLetIn(port, options)).toBe(false)
  })
})

describe('the user name from a certificate', () => {
  it.each([
    ['commonName', 'CN=meter-7,O=Field'],
    ['subject', 'CN=meter-7,O=Field'],
  ] as const)(
    'by %s lets in where nobody may be anonymous, and owns the session',
    async (userNameFrom, subject) => {
      const made = await certificates()
      await writePair(made.folder, 'meter', await made.ca.client(subject))
      await writePair(made.folder, 'again', await made.ca.client(subject))
      const listener = { ...mutual(made, { userNameFrom }), allowAnonymous: false }
      const { port } = await openFrontDoor([listener])
      const kept = connect('c', { clean: false, properties: { sessionExpiryInterval: 100 } })
      const owner = await dialTls(port, showing(made, 'meter'))
      await flow(owner).send(kept).receive(connack()).drop()
      await flow(await dialTls(port, showing(made, 'client')))
        .send(kept)
        .receive(connack(ReasonCode.NotAuthorized))
        .closed()
      // Another certificate of the same name is the same user.
      await flow(await dialTls(port, showing(made, 'again')))
        .send(kept)
        .receive(connack(0, true))
    },
  )

  it('is not taken unless the listener says so: then nobody is who', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([{ ...mutual(made), allowAnonymous: false }])
    await flow(await dialTls(port, showing(made, 'client')))
      .send(connect('c'))
      .receive(connack(ReasonCode.NotAuthorized))
      .closed()
  })

  it.each(['O=nobody', 'CN=one,CN=two,O=x'])('by commonName refuses the subject %s', async (subject) => {
    const made = await certificates()
    await writePair(made.folder, 'odd', await made.ca.client(subject))
    const { port, logged } = await openFrontDoor([mutual(made, { userNameFrom: 'commonName' })])
    expect(await isLetIn(port, showing(made, 'odd'))).toBe(false)
    expect(await logged(/tls-handshake-failed/)).toMatchObject({
      error: expect.stringMatching(/no common name/),
    })
  })

  it('is there on a resumed connection too', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([
      { ...mutual(made, { userNameFrom: 'commonName' }), allowAnonymous: false },
    ])
    const socket = await openTls(port, showing(made, 'client'))
    let session = socket.getSession()
    socket.on('session', (ticket) => {
      session = ticket
    })
    expect(await isLetIn(port, showing(made, 'client'))).toBe(true)
    const resumed = await dialTls(port, { ...showing(made, 'client'), ...(session && { session }) })
    await flow(resumed).send(connect('d')).receive(connack())
  })
})

describe.each(VERSIONS)('pre-shared keys in %s', (version) => {
  const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  /** A client that knows `identity` and a key for it. */
  const knowing = (identity: string, psk: Buffer): ConnectionOptions => ({
    minVersion: version,
    maxVersion: version,
    ciphers: version === 'TLSv1.3' ? 'TLS_AES_128_GCM_SHA256' : 'PSK',
    pskCallback: () => ({ identity, psk }),
    checkServerIdentity: () => undefined,
  })

  it('let in who knows the key of its identity, which is its user name, and nobody else', async () => {
    const made = await certificates()
    writeFileSync(made.file('psk'), `# identities\nmeter 7:${key.toString('hex')}\nother:ff\n`)
    const tls = { pskFile: made.file('psk'), pskHint: 'who is it?', userNameFrom: 'pskIdentity' } as const
    const { port, logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls, allowAnonymous: false }])
    const kept = connect('c', { clean: false, properties: { sessionExpiryInterval: 100 } })
    const peer = await dialTls(port, knowing('meter 7', key))
    await flow(peer).send(kept).receive(connack()).drop()
    await expect(openTls(port, knowing('meter 7', Buffer.from('ff', 'hex')))).rejects.toThrow()
    await logged(/tls-handshake-failed/)
    await expect(openTls(port, knowing('nobody', key))).rejects.toThrow()
    await expect(openTls(port, knowing('', key))).rejects.toThrow()
    // Another identity is another user: the session is not its own.
    await flow(await dialTls(port, knowing('other', Buffer.from('ff', 'hex'))))
      .send(kept)
      .receive(connack(ReasonCode.NotAuthorized))
      .closed()
    await flow(await dialTls(port, knowing('meter 7', key)))
      .send(kept)
      .receive(connack(0, true))
  })

  it('are watched like certificates', async () => {
    const made = await certificates()
    writeFileSync(made.file('psk'), `a:${key.toString('hex')}\n`)
    const tls = { pskFile: made.file('psk'), watchIntervalMs: 20 }
    const { port, logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
    expect(await isLetIn(port, knowing('a', key))).toBe(true)
    expect(await isLetIn(port, knowing('b', key))).toBe(false)
    writeFileSync(made.file('psk'), `b:${key.toString('hex')}\n`)
    await logged(/and are in use/)
    expect(await isLetIn(port, knowing('a', key))).toBe(false)
    expect(await isLetIn(port, knowing('b', key))).toBe(true)
  })
})
