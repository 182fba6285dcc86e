// QoS 2 where it breaks: the third DUP, a PUBREL of nothing, a PUBREC that refuses; over reconnects and restarts.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  disconnect,
  puback,
  pubcomp,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
  type Version,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type StoreKind, type TestBroker } from '../kit/test-broker.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]
const NOT_FOUND = 0x92

const keptFields = (version: Version, more: object = {}) => ({
  clean: false,
  ...(version === 5 && { properties: { sessionExpiryInterval: 1_000, ...more } }),
})

/** A client whose session is kept, for the first time or again. */
const keptClient = (kit: TestBroker, clientId: string, version: Version, isBack = false): Promise<Peer> =>
  kit.client(clientId, { version, fields: keptFields(version), sessionPresent: isBack && version !== 3 })

/** The level store over a restart, the memory store over a reconnect. */
async function interrupt(kit: TestBroker, store: StoreKind, peer: Peer): Promise<void> {
  await peer.drop()
  await kit.settle()
  if (store === 'level') await kit.restart()
}

const rows = STORES.flatMap((store) => VERSIONS.map((version) => ({ store, version })))

describe.each(rows)('in version $version on the $store store', ({ store, version }) => {
  it('[v5 MQTT-4.3.3-10] [v3.1.1 MQTT-4.3.3-2] the third DUP is still the first message', async () => {
    const kit = await openBroker({ store })
    await flow(await keptClient(kit, 'receiver', version))
      .send(subscribe(1, 'a', 1))
      .receive(suback(1, 1))
      .drop()
    const repeat = publish2(5, 'a', 'once', { dup: true })
    const first = await keptClient(kit, 'sender', version)
    await flow(first)
      .send(publish2(5, 'a', 'once'))
      .receive(pubrec(5))
      .send(repeat)
      .receive(pubrec(5))
      .do(() => interrupt(kit, store, first))
    const second = await keptClient(kit, 'sender', version, true)
    await flow(second)
      .send(repeat)
      .receive(pubrec(5))
      .do(() => interrupt(kit, store, second))
    await flow(await keptClient(kit, 'sender', version, true))
      .send(repeat, pubrel(5))
      .receive(pubrec(5), pubcomp(5))
    await flow(await keptClient(kit, 'receiver', version, true))
      .receive(publish1(1, 'a', 'once'))
      .receiveNothing()
  })

  it('the packet id tells a repeat, not the DUP flag', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 1, { version })
    await flow(await keptClient(kit, 'sender', version))
      .send(publish2(5, 'a', 'first', { dup: true }), publish2(5, 'a', 'first'))
      .receive(pubrec(5), pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
      .send(publish2(5, 'a', 'second', { dup: true }))
      .receive(pubrec(5))
    await flow(receiver)
      .receive(publish1(1, 'a', 'first'), publish1(2, 'a', 'second'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-11] a PUBREL of nothing is answered each time, and publishes nothing', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', '#', 0, { version })
    const unknown = (id: number) => pubcomp(id, version === 5 ? NOT_FOUND : 0)
    const peer = await keptClient(kit, 'c', version)
    await flow(peer)
      .send(pubrel(1), pubrel(65_535))
      .receive(unknown(1), unknown(65_535))
      .send(publish2(7, 'b', 'x'))
      .receive(pubrec(7))
      .do(() => interrupt(kit, store, peer))
    await flow(await keptClient(kit, 'c', version, true))
      .send(pubrel(7), pubrel(7))
      .receive(pubcomp(7), unknown(7))
      .send(publish1(7, 'c', 'y', { retain: true }))
      .receive(puback(7, version === 5 && store === 'level' ? 0x10 : 0))
    // A restart has ended the receiver's connection, and its session.
    if (store === 'memory') {
      await flow(receiver).receive({ ...publish2(7, 'b', 'x'), qos: 0, messageId: undefined })
    }
  })
})

describe.each(STORES)('a PUBREC with an error on the %s store', (store) => {
  const ERRORS = [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
  const fields = keptFields(5, { receiveMaximum: 1 })
  const send = (kit: TestBroker, payload: string) => kit.broker.publish({ topicName: 'a', payload, qos: 2 })

  it('[v5 MQTT-4.3.3-4] ends the exchange without PUBREL, and makes room for the next message', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    for (const code of ERRORS) await send(kit, String(code))
    await send(kit, 'last')
    for (const [i, code] of ERRORS.entries()) {
      await flow(peer)
        .receive(publish2(i + 1, 'a', String(code)))
        .receiveNothing()
        .send(pubrec(i + 1, code))
    }
    await flow(peer)
      .receive(publish2(ERRORS.length + 1, 'a', 'last'))
      .receiveNothing()
    expect(kit.dropped('refused-by-receiver')).toBe(ERRORS.length)
  })

  it('is never sent again, and its packet id is not known any more', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 2, { fields })
    await send(kit, 'refused')
    await send(kit, 'stays')
    await flow(first)
      .receive(publish2(1, 'a', 'refused'))
      .send(pubrec(1, 0x97))
      .receive(publish2(2, 'a', 'stays'))
      .send(pubrec(1))
      .receive(pubrel(1, NOT_FOUND))
      .do(() => interrupt(kit, store, first))
    await flow(await kit.client('c', { fields, sessionPresent: true }))
      .receive(publish2(2, 'a', 'stays', { dup: true }))
      .receiveNothing()
  })

  it('of 0x10 is none: PUBREL follows', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    await send(kit, 'x')
    await flow(peer)
      .receive(publish2(1, 'a', 'x'))
      .send(pubrec(1, 0x10))
      .receive(pubrel(1))
      .send(pubcomp(1))
      .receiveNothing()
  })

  it('for a QoS 1 message is out of place, and leaves it in flight', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields })
    await send(kit, 'x')
    await flow(peer)
      .receive(publish1(1, 'a', 'x'))
      .send(pubrec(1, 0x80))
      .receive(disconnect(0x82))
      .closed()
      .do(() => send(kit, 'y'))
    await flow(await kit.client('c', { fields, sessionPresent: true }))
      .receive(publish1(1, 'a', 'x', { dup: true }))
      .receiveNothing()
      .send(puback(1))
      .receive(publish1(2, 'a', 'y'))
  })
})
