// Topic aliases that change their meaning: what was published under the old one stays there.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const alias = (topicAlias: number) => ({ properties: { topicAlias } })

describe.each(STORES)('an alias that is set anew, on the %s store', (store) => {
  it('leaves where they were messages that wait, are retained, or have begun', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('away', '+', 2, { fields: kept })).drop()
    await flow(await kit.client('sender'))
      .send(publish2(1, 'old', 'waits', { ...alias(1), retain: true }))
      .receive(pubrec(1))
      .send(publish1(2, 'new', 'named', alias(1)), publish1(3, '', 'by alias', alias(1)))
      .receive(puback(2), puback(3))
      .send(pubrel(1))
      .receive(pubcomp(1))
    if (store === 'level') await kit.restart()
    await flow(await kit.client('away', { fields: kept, sessionPresent: true }))
      .receive(publish2(1, 'old', 'waits'))
      .receive(publish1(2, 'new', 'named'), publish1(3, 'new', 'by alias'))
      .receiveNothing()
    await flow(await kit.subscriber('late', '#', 0))
      .receive(publish('old', 'waits', { retain: true }))
      .receiveNothing()
  })

  it('counts from a repeated QoS 2 message too, and from one that is refused', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', '+', 0)
    await flow(await kit.client('sender'))
      .send(publish2(1, 'a', '1', alias(1)), publish2(1, 'b', '1', { dup: true, ...alias(1) }))
      .receive(pubrec(1), pubrec(1))
      .send(publish1(2, '', '2', alias(1)))
      .receive(puback(2))
      .send(publish1(3, '$SYS/x', '3', alias(2)), publish1(4, '', '4', alias(2)))
      .receive(puback(3, 0x87), puback(4, 0x87))
      .send(publish1(5, 'c', '5', alias(2)))
      .receive(puback(5))
    await flow(receiver).receive(publish('a', '1'), publish('b', '2'), publish('c', '5')).receiveNothing()
  })
})

describe('our maximum', () => {
  it.each([1, 65_535])('of %i allows that alias and none above it', async (topicAliasMaximum) => {
    const kit = await openBroker({ limits: { topicAliasMaximum } })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    const peer = kit.peer()
    await flow(peer)
      .send(connect('c'))
      .receive(connack(0, false, { topicAliasMaximum }))
      .send(
        publish('a', 'named', alias(topicAliasMaximum)),
        publish('', 'by alias', alias(topicAliasMaximum)),
      )
    await flow(receiver).receive(publish('a', 'named'), publish('a', 'by alias'))
    if (topicAliasMaximum === 65_535) return
    await flow(peer)
      .send(publish('a', 'x', alias(topicAliasMaximum + 1)))
      .receive(disconnect(0x94))
      .closed()
  })

  it('of 0 is said by saying nothing', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0 } })
    const peer = kit.peer()
    peer.send(connect('c'))
    const { packet } = await peer.next()
    expect(packet.properties ?? {}).not.toHaveProperty('topicAliasMaximum')
  })
})

it('[v5 MQTT-3.3.2-7] an alias of the connection before means nothing to a resumed session', async () => {
  const kit = await openBroker()
  const fields = kept
  await flow(await kit.client('c', { fields }))
    .send(publish1(1, 'a', 'x', alias(1)))
    .receive(puback(1, 0x10))
    .drop()
  await flow(await kit.client('c', { fields, sessionPresent: true }))
    .send(publish('', 'x', alias(1)))
    .receive(disconnect(0x82))
    .closed()
})

it('an alias towards the client is not kept for its next connection', async () => {
  const kit = await openBroker()
  const fields = { ...kept, properties: { ...kept.properties, topicAliasMaximum: 5 } }
  const first = await kit.subscriber('c', 'a', 0, { fields })
  await kit.publish('a', '1')
  await kit.publish('a', '2')
  await flow(first)
    .receive(publish('a', '1', alias(1)), publish('', '2', alias(1)))
    .drop()
  const second = await kit.client('c', { fields, sessionPresent: true })
  await kit.publish('a', '3')
  await flow(second)
    .receive(publish('a', '3', alias(1)))
    .drop()
  const third = await kit.client('c', { fields: kept, sessionPresent: true })
  await kit.publish('a', '4')
  await flow(third).receive(publish('a', '4'))
})
