// Publisher x subscriber x QoS x retain x will over 3.1, 3.1.1 and 5.0: payload, QoS, RETAIN, and the properties of
// 5.0 between two that speak it, and never else. Live, retained, over an offline queue, and over a restart.
//
//   one publication at each QoS --> a subscriber at each QoS that is granted
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { connack, disconnect, pubcomp, pubrec, pubrel, type Qos, type Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type StoreKind, type TestBroker } from '../kit/test-broker.ts'
import { messagePublisher, type Publication, type Publisher, SECONDS, willPublisher } from './publications.ts'
import { nextPublish, Property, type ReceivedProperty, type ReceivedPublish } from './received-publish.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]
const QOS: readonly Qos[] = [0, 1, 2]
const SOURCES = ['message', 'will'] as const
type Source = (typeof SOURCES)[number]
const NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const

const rows = VERSIONS.flatMap((from) =>
  VERSIONS.flatMap((to) =>
    SOURCES.map((source) => ({ from, to, source, title: `a ${source} of ${NAMES[from]} to ${NAMES[to]}` })),
  ),
)

const SUBSCRIPTION_IDENTIFIER = 300
const SECONDS_BETWEEN = 40

/** What a subscriber is to get of a publication, `waited` seconds after it. */
interface Expected {
  readonly to: Version
  readonly granted: Qos
  readonly retain: boolean
  readonly waited: number
  /** The subscription was made in 5.0 and has an identifier. */
  readonly isIdentified: boolean
}

function expected(publication: Publication, { to, granted, retain, waited, isIdentified }: Expected) {
  const { topicName, payload } = publication
  const qos = Math.min(publication.qos, granted)
  const properties = to === 5 ? propertiesOf(publication, waited, isIdentified) : []
  return { qos, retain, dup: false, topicName, payload, properties } satisfies ReceivedPublish
}

function propertiesOf({ version }: Publication, waited: number, isIdentified: boolean): ReceivedProperty[] {
  const passedOn: ReceivedProperty[] = [
    [Property.PayloadFormatIndicator, 1],
    [Property.MessageExpiryInterval, SECONDS - waited],
    [Property.ContentType, 'text/plain'],
    [Property.ResponseTopic, 'answers'],
    [Property.CorrelationData, 'question 1'],
  ]
  const own: ReceivedProperty[] = [[Property.SubscriptionIdentifier, SUBSCRIPTION_IDENTIFIER]]
  const user = ['z=1', 'a=2', 'z=', 'z=1'].map((each): ReceivedProperty => [Property.UserProperty, each])
  const identifiers = isIdentified ? own : []
  return version === 5 ? [...passedOn, ...identifiers, ...user] : identifiers
}

/** One publication at each QoS, one after the other. */
async function publishAll(publish: Publisher, version: Version, retain: boolean): Promise<Publication[]> {
  const publications = QOS.map((qos): Publication => {
    return { version, topicName: `t/${qos}`, payload: `${qos} ${retain ? 'retained' : ''}`, qos, retain }
  })
  for (const publication of publications) await publish(publication)
  return publications
}

const publisherOf = (kit: TestBroker, version: Version, source: Source) =>
  source === 'will' ? willPublisher(kit, version) : messagePublisher(kit, version)

const keptFields = (version: Version) => ({
  clean: false,
  ...(version === 5 && { properties: { sessionExpiryInterval: 1_000 } }),
})

async function subscriber(kit: TestBroker, version: Version, granted: Qos, rap = false): Promise<Peer> {
  const name = `granted ${granted}${rap ? ' as published' : ''}`
  const identifier = version === 5 ? { subscriptionIdentifier: SUBSCRIPTION_IDENTIFIER } : {}
  return kit.subscriber(name, 't/+', granted, { version, fields: keptFields(version), rap, ...identifier })
}

/** Takes the next PUBLISH and completes its exchange. */
async function take(peer: Peer): Promise<ReceivedPublish> {
  const { publish, packetId } = await nextPublish(peer)
  if (publish.qos === 1) peer.send({ cmd: 'puback', messageId: packetId })
  if (publish.qos === 2) {
    await flow(peer).send(pubrec(packetId)).receive(pubrel(packetId)).send(pubcomp(packetId))
  }
  return publish
}

async function takesExactly(peer: Peer, wanted: readonly ReceivedPublish[]): Promise<void> {
  for (const publish of wanted) expect(await take(peer)).toEqual(publish)
  await flow(peer).receiveNothing()
}

describe.each(STORES)('live on the %s store', (store) => {
  it.each(rows)('$title arrives at the lower QoS, without RETAIN', async ({ from, to, source }) => {
    const kit = await openBroker({ store })
    const peers: Peer[] = []
    for (const granted of QOS) peers.push(await subscriber(kit, to, granted))
    const publish = await publisherOf(kit, from, source)
    for (const retain of [false, true]) {
      const publications = await publishAll(publish, from, retain)
      for (const [granted, peer] of peers.entries()) {
        const how = { to, granted: granted as Qos, retain: false, waited: 0, isIdentified: to === 5 }
        await takesExactly(
          peer,
          publications.map((each) => expected(each, how)),
        )
      }
    }
  })

  const to5 = rows.filter(({ to }) => to === 5)
  it.each(to5)('$title keeps RETAIN under Retain As Published', async ({ from, source }) => {
    const kit = await openBroker({ store })
    const peer = await subscriber(kit, 5, 2, true)
    const publish = await publisherOf(kit, from, source)
    for (const retain of [false, true]) {
      const publications = await publishAll(publish, from, retain)
      const how = { to: 5, granted: 2, retain, waited: 0, isIdentified: true } as const
      await takesExactly(
        peer,
        publications.map((each) => expected(each, how)),
      )
    }
  })
})

const WAYS: readonly { readonly store: StoreKind; readonly isRestarted: boolean; readonly way: string }[] = [
  { store: 'memory', isRestarted: false, way: 'on the memory store' },
  { store: 'level', isRestarted: false, way: 'on the level store' },
  { store: 'level', isRestarted: true, way: 'over a restart of the level store' },
]

/** Time passes, and with it perhaps the broker. */
async function wait(kit: TestBroker, isRestarted: boolean): Promise<void> {
  kit.clock.advance(SECONDS_BETWEEN * 1_000)
  if (isRestarted) await kit.restart()
}

describe.each(WAYS)('retained $way', ({ store, isRestarted }) => {
  it.each(rows)('$title is flagged for a new subscription', async ({ from, to, source }) => {
    const kit = await openBroker({ store })
    const publications = await publishAll(await publisherOf(kit, from, source), from, true)
    await wait(kit, isRestarted)
    for (const granted of QOS) {
      const how = { to, granted, retain: true, waited: SECONDS_BETWEEN, isIdentified: to === 5 }
      const peer = await subscriber(kit, to, granted)
      const found: ReceivedPublish[] = []
      for (const _ of publications) found.push(await take(peer))
      found.sort((a, b) => (a.topicName < b.topicName ? -1 : 1))
      expect(found).toEqual(publications.map((each) => expected(each, how)))
      await flow(peer).receiveNothing()
    }
  })
})

/** Subscribes as `to`, is away while `from` publishes, and comes back as `as`. */
async function overTheQueue(kit: TestBroker, row: (typeof rows)[number], as: Version, isRestarted: boolean) {
  const { from, to, source } = row
  for (const granted of QOS) {
    await flow(await subscriber(kit, to, granted))
      .send(disconnect())
      .closed()
  }
  const publications = await publishAll(await publisherOf(kit, from, source), from, false)
  await wait(kit, isRestarted)
  for (const granted of QOS) {
    const kept = publications.filter(({ qos }) => Math.min(qos, granted) > 0)
    const how = { to: as, granted, retain: false, waited: SECONDS_BETWEEN, isIdentified: to === 5 }
    const fields = keptFields(as)
    const peer = await kit.client(`granted ${granted}`, { version: as, fields, sessionPresent: as !== 3 })
    await takesExactly(
      peer,
      kept.map((each) => expected(each, how)),
    )
  }
}

describe.each(WAYS)('over an offline queue $way', ({ store, isRestarted }) => {
  it.each(rows)('$title is there at QoS 1 and 2 when the client is back', async (row) => {
    const kit = await openBroker({ store })
    await overTheQueue(kit, row, row.to, isRestarted)
  })

  const changed = rows
    .filter(({ from, source }) => from === 5 && source === 'message')
    .flatMap((row) => VERSIONS.filter((as) => as !== row.to).map((as) => ({ ...row, as, back: NAMES[as] })))
  it.each(changed)('$title that is back as $back is there as that version says it', async (row) => {
    const kit = await openBroker({ store })
    await overTheQueue(kit, row, row.as, isRestarted)
  })
})

it.each(VERSIONS)('a message of 5.0 whose time has passed does not arrive late in version %i', async (to) => {
  const kit = await openBroker()
  await flow(await subscriber(kit, to, 1)).drop()
  await publishAll(await messagePublisher(kit, 5), 5, true)
  kit.clock.advance(SECONDS * 1_000 + 1)
  const back = kit.peer(to)
  await flow(back)
    .send({ cmd: 'connect', clientId: 'granted 1', keepalive: 0, ...keptFields(to) })
    .receive(connack(0, to !== 3))
    .receiveNothing()
  await flow(await kit.subscriber('late', 't/+', 1, { version: to })).receiveNothing()
})
