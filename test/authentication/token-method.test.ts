// A token in AUTH (OAUTHBEARER), over the wire: at CONNECT, and a fresh one before the first has expired.
import { describe, expect, it } from 'vitest'
import { tokenMethod } from '../../src/authentication/token-method.ts'
import { flow } from '../kit/flow.ts'
import { connack, disconnect, type Said } from '../kit/packets.ts'
import { openBroker, type TestBroker } from '../kit/test-broker.ts'
import { auth, connectAs, toldOf } from './authenticating-broker.ts'
import { clock, fileOf, openTokens, SECRET, tokenOf } from './token-maker.ts'

const METHOD = 'OAUTHBEARER'
const dataOf = (token: string, header = 'n,,'): string => `${header}\x01auth=Bearer ${token}\x01\x01`

async function open(): Promise<TestBroker> {
  const tokens = await openTokens({ secretFile: await fileOf(SECRET) })
  return openBroker({ allowAnonymous: false, authenticationMethods: [tokenMethod(tokens)] })
}

const connectWith = (data: string): Said => connectAs('c', data, METHOD)

describe('a token in AUTH', () => {
  it.each([
    ['without a user', 'n,,'],
    ['with its user', 'n,a=ada,'],
    ['with host and port', 'n,a=ada,\x01host=here\x01port=1883'],
  ])('lets its user in, %s', async (_, header) => {
    const kit = await open()
    const identities: string[] = []
    kit.broker.on('connected', ({ identity }) => identities.push(identity))
    await flow(kit.peer())
      .send(connectWith(dataOf(await tokenOf(SECRET), header)))
      .receive(connack(0, false, toldOf(undefined, METHOD)))
      .receiveNothing()
    expect(identities).toEqual(['ada'])
  })

  it.each([
    ['of another secret', async () => dataOf(await tokenOf(`${SECRET}?`)), 0x86],
    ['of another user', async () => dataOf(await tokenOf(SECRET), 'n,a=bob,'), 0x87],
    ['that has expired', async () => dataOf(await tokenOf(SECRET, {}, { exp: -60 })), 0x87],
    ['without the form', async () => tokenOf(SECRET), 0x86],
    ['without an end', async () => dataOf(await tokenOf(SECRET)).slice(0, -1), 0x86],
    ['with channel binding', async () => dataOf(await tokenOf(SECRET), 'p=tls-unique,,'), 0x86],
    ['that is too long', async () => dataOf('A.'.repeat(15_000)), 0x86],
    ['of nothing', async () => '', 0x86],
  ])('%s is refused', async (_, made, reasonCode) => {
    const kit = await open()
    await flow(kit.peer())
      .send(connectWith(await made()))
      .receive(connack(reasonCode))
      .closed()
  })

  it('may be followed by a fresh one, which prolongs the connection', async () => {
    const kit = await open()
    const lag = kit.clock.now() - clock.now()
    expect(lag).toBe(0)
    const peer = kit.peer()
    await flow(peer)
      .send(connectWith(dataOf(await tokenOf(SECRET, {}, { exp: 20 }))))
      .receive(connack(0))
    kit.clock.advance(20_000)
    await flow(peer)
      .send(auth(0x19, dataOf(await tokenOf(SECRET, {}, { exp: 60 })), METHOD))
      .receive(auth(0, undefined, METHOD))
      .do(() => kit.clock.advance(44_000))
      .receiveNothing()
      .do(() => kit.clock.advance(1_200))
      .receive(disconnect(0xa0))
      .closed()
  })

  it('of somebody else ends the connection', async () => {
    const kit = await open()
    const bob = await tokenOf(SECRET, { sub: 'bob' })
    await flow(kit.peer())
      .send(connectWith(dataOf(await tokenOf(SECRET))))
      .receive(connack(0))
      .send(auth(0x19, dataOf(bob), METHOD))
      .receive(disconnect(0x87))
      .closed()
  })
})
