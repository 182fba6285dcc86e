// Listeners as people write them: what holds for what was said, and what does not go together.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { GodwitError } from '../../src/base/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigInput, ListenerConfig, ListenerInput } from '../../src/config/schema.ts'

const resolve = (listener: ListenerInput | string, others: ConfigInput = {}): ListenerConfig =>
  resolveConfig({ ...others, listeners: [listener] }).listeners[0] as ListenerConfig

const MUST_BE_ADDRESS = 'it must be an IP address, a range such as 10.0.0.0/8, or unix'
const certificate = { certificate: 'a.crt', key: 'a.key' }

function linesOf(listener: unknown): string[] {
  try {
    resolve(listener as ListenerInput)
  } catch (error) {
    if (error instanceof GodwitError) return error.message.split('\n')
  }
  throw new Error('expected an error')
}

const folder = mkdtempSync(join(tmpdir(), 'godwit-listeners-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('ports', () => {
  it.each([
    ['mqtt', {}, 1883],
    ['mqtts', certificate, 8883],
    ['ws', {}, 8083],
    ['wss', certificate, 8084],
  ] as const)('of %s are their own unless said otherwise', (protocol, tls, port) => {
    expect(resolve({ protocol, tls }).port).toBe(port)
    expect(resolve({ protocol, tls, port: 7 }).port).toBe(7)
  })
})

describe('names', () => {
  it('are made of protocol and port, and no two are the same', () => {
    const named = (...listeners: ListenerInput[]): string[] =>
      resolveConfig({ listeners }).listeners.map(({ name }) => name)
    expect(
      named({}, { host: '::1' }, { protocol: 'ws' }, { socketPath: '/run/godwit.sock' }, { name: 'x' }),
    ).toEqual(['mqtt-1883', 'mqtt-1883-2', 'ws-8083', 'run-godwit.sock', 'x'])
    expect(named({ name: 'x' }, { name: 'x' })).toEqual(['x', 'x-2'])
  })
})

describe('an address', () => {
  it.each([
    ['mqtt://0.0.0.0', { protocol: 'mqtt', host: '0.0.0.0', port: 1883 }],
    ['mqtt://127.0.0.1:0', { protocol: 'mqtt', host: '127.0.0.1', port: 0 }],
    ['ws://[::]:80', { protocol: 'ws', host: '::', port: 80, websocket: { path: '/mqtt' } }],
    ['WS://localhost/', { protocol: 'ws', host: 'localhost', port: 8083, websocket: { path: '/' } }],
    ['unix:///run/godwit.sock', { protocol: 'mqtt', socketPath: '/run/godwit.sock' }],
  ])('%s is a listener', (address, expected) => {
    expect(resolve(address)).toMatchObject(expected)
  })

  it('is unfolded in a file and in the environment, before the one is laid over the other', () => {
    const file = join(folder, 'addresses.yaml')
    writeFileSync(file, 'listeners:\n  - mqtt://0.0.0.0:1\n  - mqtt://localhost:2\n')
    const env = {
      GODWIT_LISTENERS__0__PORT: '11',
      GODWIT_LISTENERS__1: 'ws://127.0.0.1:22',
      GODWIT_LISTENERS__1__NAME: 'pages',
    }
    expect(loadConfig({ file, env }).listeners).toMatchObject([
      { protocol: 'mqtt', host: '0.0.0.0', port: 11 },
      { protocol: 'ws', host: '127.0.0.1', port: 22, name: 'pages' },
    ])
  })

  it.each([
    'mqtt:/x',
    'tcp://x',
    'mqtt://',
    'mqtt://x:y',
    'mqtt://x/path',
    'mqtt://::1',
    'unix://relative',
    '',
  ])('%j is none', (address) => {
    expect(linesOf(address)).toEqual([
      expect.stringMatching(/^listeners\[0\] is ".*"; it must be a group of options/),
    ])
  })
})

describe('what a limit of all listeners holds down', () => {
  it('is held down', () => {
    const limits = { maximumPacketSize: 1_000, connectionsMax: 10 }
    const others = { limits, features: { maximumQos: 1 } }
    expect(resolve({}, others)).toMatchObject({ maximumPacketSize: 1_000, maximumQos: 1, connectionsMax: 10 })
    const lower = { maximumPacketSize: 100, maximumQos: 0, connectionsMax: 1 }
    expect(resolve(lower, others)).toMatchObject(lower)
  })
})

describe('anonymous clients', () => {
  const isAllowed = (listener: ListenerInput, others: ConfigInput = {}): boolean =>
    resolve(listener, others).allowAnonymous

  it.each<[string, ListenerInput, boolean]>([
    ['on loopback', {}, true],
    ['on a unix socket', { socketPath: '/run/x' }, true],
    ['on all addresses', { host: '0.0.0.0' }, false],
    ['behind a proxy', { proxyProtocol: { trusted: ['127.0.0.1'] } }, false],
    ['behind a proxy for WebSocket', { protocol: 'ws', websocket: { trustedProxies: ['::1'] } }, false],
  ])('%s are let in: %3$s', (_, listener, expected) => {
    expect(isAllowed(listener)).toBe(expected)
    expect(isAllowed({ ...listener, allowAnonymous: !expected })).toBe(!expected)
    expect(isAllowed(listener, { allowAnonymous: !expected })).toBe(!expected)
  })
})

describe('what does not go together', () => {
  it.each<[unknown, string]>([
    [
      { protocol: 'mqtts' },
      'listeners[0].tls.certificate is empty; mqtts and wss need it and tls.key, or tls.pskFile',
    ],
    [
      { protocol: 'wss', tls: { certificate: 'a' } },
      'listeners[0].tls.key is empty; it must be the key of tls.certificate',
    ],
    [
      { tls: certificate },
      'listeners[0].protocol is empty; with what stands in its tls block it must be mqtts or wss',
    ],
    [
      { protocol: 'ws', tls: { requireCertificate: true } },
      'listeners[0].protocol is "ws"; with what stands in its tls block it must be mqtts or wss',
    ],
    [
      { protocol: 'mqtts', tls: { ...certificate, requireCertificate: true } },
      'listeners[0].tls.ca is empty; it is needed for tls.requireCertificate',
    ],
    [
      { protocol: 'mqtts', tls: { ...certificate, ca: 'ca' } },
      'listeners[0].tls.ca is "ca"; it is for tls.requireCertificate',
    ],
    [
      { protocol: 'mqtts', tls: { ...certificate, crl: 'crl' } },
      'listeners[0].tls.crl is "crl"; it needs tls.ca',
    ],
    [
      { protocol: 'mqtts', tls: { ...certificate, userNameFrom: 'commonName' } },
      'listeners[0].tls.userNameFrom is "commonName"; it needs tls.requireCertificate',
    ],
    [
      { protocol: 'mqtts', tls: { ...certificate, userNameFrom: 'pskIdentity' } },
      'listeners[0].tls.userNameFrom is "pskIdentity"; it needs tls.pskFile',
    ],
    [
      { protocol: 'mqtts', tls: { pskFile: 'psk', certificate: 'a' } },
      'listeners[0].tls.certificate is "a"; it does not go with tls.pskFile',
    ],
    [{ socketPath: '/x', port: 1 }, 'listeners[0].port is 1; it is not for a unix socket (socketPath)'],
    [
      { socketPath: '/x', protocol: 'mqtts', tls: certificate },
      'listeners[0].protocol is "mqtts"; on a unix socket (socketPath) it must be mqtt or ws',
    ],
    [
      { socketMode: '0660' },
      'listeners[0].socketMode is "0660"; it must be three octal digits, such as "660"',
    ],
    [{ mountPoint: 'a' }, 'listeners[0].mountPoint is "a"; it must end with /'],
    [
      { mountPoint: 'a/#/' },
      'listeners[0].mountPoint is "a/#/"; as the beginning of a topic it contains a wildcard character',
    ],
    [{ mountPoint: '$share/g/' }, 'listeners[0].mountPoint is "$share/g/"; it must not begin with $share/'],
    [{ name: 'a/b' }, 'listeners[0].name is "a/b"; it must be without /, + and #'],
    [{ versions: [] }, 'listeners[0].versions is an empty list; it must be a list of at least one entry'],
    [{ versions: [6] }, 'listeners[0].versions[0] is 6; it must be one of 3, 4, 5'],
    [
      { proxyProtocol: { trusted: ['10.0.0.0/33'] } },
      `listeners[0].proxyProtocol.trusted[0] is "10.0.0.0/33"; ${MUST_BE_ADDRESS}`,
    ],
    [
      { websocket: { trustedProxies: ['proxy.example'] } },
      `listeners[0].websocket.trustedProxies[0] is "proxy.example"; ${MUST_BE_ADDRESS}`,
    ],
  ])('%j is one line', (listener, line) => {
    expect(linesOf(listener)).toEqual([line])
  })
})
