// A service over HTTP that is asked who a client is: what it hears, what each answer means, and what goes without it.
import { expect, it } from 'vitest'
import type { Authenticator } from '../../src/authentication/authenticator.ts'
import { httpAuthenticator } from '../../src/authentication/http-authenticator.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { clientOf } from './client-of.ts'
import { HttpServer } from './http-server.ts'

const allow = (more = {}) => ({ body: JSON.stringify({ result: 'allow', ...more }) })
const ADA = { kind: 'accept', identity: 'ada' }
const UNAVAILABLE = { kind: 'refuse', reasonCode: 0x88 }

async function open(answer: HttpServer['answer'], options = {}) {
  const clock = new ManualClock()
  const server = await HttpServer.open(answer)
  const settings = resolveConfig({ authentication: { http: { url: server.url, ...options } } })
  const authenticator = httpAuthenticator(settings.authentication.http, () => clock.now())
  return { clock, server, authenticator }
}

const ask = (authenticator: Authenticator, password: string | Buffer = 'pencil', fields = {}) =>
  authenticator.authenticate(clientOf({ userName: 'ada', password, ...fields }))

it('hears what the client says, and where it comes from, in JSON', async () => {
  const { server, authenticator } = await open(() => allow(), { authorization: 'Bearer 1' })
  const peer = {
    listenerName: 'mqtts-8883',
    certificate: { commonName: 'meter', subject: 'CN=meter,O=Example' },
  }
  await ask(authenticator, 'péncil', { peer })
  await authenticator.authenticate(clientOf({ version: 4 }))
  expect(server.asked).toMatchObject([
    { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer 1' } },
    { method: 'POST' },
  ])
  expect(server.asked.map(({ body }) => JSON.parse(body))).toEqual([
    {
      clientid: 'c',
      username: 'ada',
      password: 'péncil',
      peerhost: '192.0.2.1',
      proto_ver: 5,
      listener: 'mqtts-8883',
      cert_common_name: 'meter',
      cert_subject: 'CN=meter,O=Example',
    },
    { clientid: 'c', peerhost: '192.0.2.1', proto_ver: 4, listener: '' },
  ])
})

it('allows, denies, or leaves it to others', async () => {
  const { server, authenticator } = await open(() => allow())
  expect(await ask(authenticator)).toMatchObject(ADA)
  server.answer = () => ({ body: '{"result":"deny"}' })
  expect(await ask(authenticator, 'other')).toMatchObject({ kind: 'refuse', reasonCode: 0x86 })
  server.answer = () => ({ body: '{"result":"ignore"}' })
  expect(await ask(authenticator, 'other')).toEqual({ kind: 'ignore' })
})

it('may say who it is, with which client id, what it may do, and until when', async () => {
  const said = { username: 'bob', clientid: 'meter', acl: { sub: ['a'] }, expire_at: 4_000_000_000 }
  const { authenticator } = await open(() => allow(said))
  expect(await ask(authenticator)).toEqual({
    kind: 'accept',
    identity: 'bob',
    clientId: 'meter',
    rights: { publish: [], subscribe: ['a'] },
    expiresAt: 4_000_000_000_000,
  })
})

it.each([
  ['an error', { status: 500, body: '{"result":"allow"}' }],
  ['a status that is no 200', { status: 204, body: '' }],
  ['nothing', 'hang up' as const],
  ['an empty body', { body: '' }],
  ['no JSON', { body: 'allow' }],
  ['no object', { body: '"allow"' }],
  ['no result', { body: '{}' }],
  ['a result that is not known', { body: '{"result":"yes"}' }],
  ['a result of another kind', { body: '{"result":true}' }],
  ['a user name that is none', allow({ username: '' })],
  ['a client id that is none', allow({ clientid: 7 })],
  ['rights that are none', allow({ acl: 'all' })],
  ['a time that is none', allow({ expire_at: 'tomorrow' })],
  ['more than fits', { body: `{"result":"allow","x":"${'x'.repeat(70_000)}"}` }],
])('that answers with %s lets nobody in: 0x88', async (_, answer) => {
  const { authenticator } = await open(() => answer)
  expect(await ask(authenticator)).toMatchObject(UNAVAILABLE)
})

it('that sends us elsewhere lets nobody in, and no password goes there', async () => {
  const elsewhere = await HttpServer.open(() => allow())
  for (const status of [301, 302, 303, 307, 308]) {
    const { authenticator } = await open(() => ({ status, headers: { location: elsewhere.url } }))
    expect(await ask(authenticator)).toMatchObject(UNAVAILABLE)
  }
  expect(elsewhere.asked).toEqual([])
})

it('that takes its time is not waited for beyond that of the options', async () => {
  const { authenticator } = await open(() => new Promise(() => {}), { timeoutMs: 50 })
  expect(await ask(authenticator)).toMatchObject(UNAVAILABLE)
})

it('that allows somebody without a name lets nobody in', async () => {
  const { authenticator } = await open(() => allow())
  expect(await authenticator.authenticate(clientOf({ password: 'x' }))).toMatchObject(UNAVAILABLE)
})

it('is not asked about a password that JSON cannot say', async () => {
  const { server, authenticator } = await open(() => allow())
  expect(await ask(authenticator, Buffer.from([0xff]))).toMatchObject({ kind: 'refuse', reasonCode: 0x86 })
  expect(server.asked).toEqual([])
})

it('is asked again about who was allowed only after a while, and always about others', async () => {
  const { clock, server, authenticator } = await open(() => allow(), { cacheSeconds: 10 })
  for (let i = 0; i < 3; i++) expect(await ask(authenticator)).toMatchObject(ADA)
  expect(server.asked).toHaveLength(1)
  server.answer = () => ({ body: '{"result":"deny"}' })
  const others = [{ clientId: 'd' }, { userName: 'bob' }, { version: 4 }, { peer: { host: '192.0.2.9' } }]
  for (const fields of others)
    expect(await ask(authenticator, 'pencil', fields)).toMatchObject({ kind: 'refuse' })
  for (const password of ['x', 'x'])
    expect(await ask(authenticator, password)).toMatchObject({ kind: 'refuse' })
  expect(server.asked).toHaveLength(7)
  clock.advance(10_001)
  expect(await ask(authenticator)).toMatchObject({ kind: 'refuse' })
})

it('is asked again when what it has allowed has come to its end, and each time where nothing is kept', async () => {
  let answer = {}
  const { clock, server, authenticator } = await open(() => allow(answer))
  answer = { expire_at: clock.now() / 1000 + 5 }
  await ask(authenticator)
  clock.advance(5_001)
  await ask(authenticator)
  expect(server.asked).toHaveLength(2)
  const none = await open(() => allow(), { cacheSeconds: 0 })
  for (let i = 0; i < 2; i++) await ask(none.authenticator)
  expect(none.server.asked).toHaveLength(2)
})

it('is asked over connections that stay open', async () => {
  const { server, authenticator } = await open(() => allow(), { cacheSeconds: 0 })
  for (let i = 0; i < 10; i++) await ask(authenticator)
  expect(server.connections).toBeLessThanOrEqual(2)
})

it('is left alone after failures in a row, then tried once, and asked again when it answers', async () => {
  const { clock, server, authenticator } = await open(() => ({ status: 503 }))
  for (let i = 0; i < 10; i++) expect(await ask(authenticator)).toMatchObject(UNAVAILABLE)
  expect(server.asked).toHaveLength(5)
  clock.advance(5_001)
  await Promise.all([ask(authenticator), ask(authenticator)])
  expect(server.asked).toHaveLength(6)
  clock.advance(5_001)
  server.answer = () => allow()
  expect(await ask(authenticator)).toMatchObject(ADA)
  expect(await ask(authenticator, 'other')).toMatchObject(ADA)
})

it.each(['x', 'ftp://127.0.0.1/', ' '])('keeps the broker from starting with the address %j', (url) => {
  const { http } = resolveConfig({ authentication: { http: { url } } }).authentication
  expect(() => httpAuthenticator(http, () => 0)).toThrow('authentication.http.url is no address')
})
