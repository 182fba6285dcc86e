// What well-behaved clients say to each other through the broker: the raw material of the fuzz. Each story is right as
// it stands, and visits what its name says; together they say every packet of a client, in every version.
import type { Qos, Version } from '../kit/packets.ts'
import {
  ack,
  auth,
  authentication,
  type ConnectFields,
  connect,
  disconnect,
  FirstByte,
  type PublishFields,
  pingreq,
  publish,
  type SubscribeFields,
  subscribe,
  unsubscribe,
  type Will,
} from './client-packets.ts'
import { OBEY } from './methods.ts'
import type { Random } from './random.ts'
import { type Deed, does, happens, passes, type Script, type Step, says } from './script.ts'

const CLIENT_IDS = ['h', 'hostile', '__proto__', '客户', 'x'.repeat(300)]
const TOPICS = ['h', 'h/1', 'h/1/2', '/h', 'h/', '$h/1', 'h/ü', '__proto__', `h/${'y'.repeat(200)}`]
const FILTERS = [...TOPICS, 'h/#', '+/1', 'h/+/2', '#', '+/+', '$h/#', '$SYS/#']
const SHARED = ['$share/g/h/#', '$share/g/+/1', '$share/ü/h', '$share/g/#']
/** Longer than what a splitter gathers at first, and than what is copied into an output. */
const LARGE_BYTES = 70_000

const topicOf = (random: Random): string => random.pick(TOPICS)
const qosOf = (random: Random): Qos => random.pick([0, 1, 2] as const)
const idOf = (random: Random): number => 1 + random.below(random.chance(95) ? 8 : 30_000)
const payloadOf = (random: Random): string =>
  'p'.repeat(random.chance(97) ? random.below(40) : random.chance(80) ? random.below(5_000) : LARGE_BYTES)

const filterOf = (random: Random): string => random.pick(random.chance(20) ? SHARED : FILTERS)

const willOf = (random: Random): Will => ({
  topic: topicOf(random),
  // Its length has two bytes.
  payload: payloadOf(random).slice(0, 65_535),
  qos: qosOf(random),
  retain: random.chance(50),
})

/** One client of a story; what it says goes on the end of the story's script. */
class Client {
  readonly number: number
  readonly version: Version
  readonly random: Random
  readonly clientId: string
  readonly #script: Step[]
  #isKept = false

  constructor(number: number, script: Step[], random: Random) {
    this.number = number
    this.version = random.pick([3, 4, 5, 5] as const)
    this.random = random
    this.clientId = `${random.pick(CLIENT_IDS)}${number}`
    this.#script = script
  }

  say(...packets: Buffer[]): this {
    this.#script.push(...packets.map((bytes) => says(this.number, bytes)))
    return this
  }

  do(deed: Deed): this {
    this.#script.push(does(this.number, deed))
    return this
  }

  turn(): this {
    this.#script.push(happens('turn'))
    return this
  }

  connect(fields: ConnectFields = {}): this {
    const { random } = this
    const keepAlive = random.pick([0, 0, 1, 4])
    this.#isKept = fields.expiry !== undefined
    if (random.chance(20)) this.do('answers')
    // One that will not be back may have its client id chosen for it, from 3.1.1 on.
    const isNamed = this.version === 3 || fields.cleanStart === false || random.chance(95)
    return this.say(connect(this, isNamed ? this.clientId : '', { keepAlive, ...fields }))
  }

  /** A session that outlives its connection, in each version. */
  keep(fields: ConnectFields = {}): this {
    return this.connect({ cleanStart: false, expiry: 3, ...fields })
  }

  publish(topic: string, fields: PublishFields = {}): this {
    return this.say(publish(this, topic, payloadOf(this.random), fields))
  }

  subscribe(packetId: number, filters: readonly string[], fields: SubscribeFields = {}): this {
    return this.say(subscribe(this, packetId, filters, fields))
  }

  ack(firstByte: FirstByte, ...packetIds: number[]): this {
    return this.say(...packetIds.map((packetId) => ack(this, firstByte, packetId)))
  }

  leave(): this {
    const { random } = this
    // Else what it said last may go with it.
    if (random.chance(80)) this.turn()
    if (random.chance(60)) return this.say(disconnect(this, random.pick([0, 0, 4]), this.#isKept))
    return this.do(random.pick(['ends', 'cuts', 'resets'] as const))
  }
}

interface Cast {
  readonly one: Client
  readonly other: Client
  readonly third: Client
  readonly script: Step[]
  readonly random: Random
}
type Story = (cast: Cast) => unknown

/** Anything that a connected client may say, in any order. */
function chatter({ one, random }: Cast): void {
  one
    .connect({ cleanStart: random.chance(50), ...(random.chance(50) && { will: willOf(random) }) })
    .subscribe(1, ['h/#'], { qos: 2 })
  for (let count = 2 + random.below(16); count > 0; count--) sayAnything(one)
  if (random.chance(50)) one.leave()
}

/** Of the packet ids that a story can bring about. */
const NEVER_GIVEN = 30_000
const ACKS = [FirstByte.Puback, FirstByte.Pubrec, FirstByte.Pubrel, FirstByte.Pubcomp]

function sayAnything(one: Client): unknown {
  const { random } = one
  switch (random.below(6)) {
    case 0:
      return one.subscribe(idOf(random), [filterOf(random), filterOf(random)], { qos: qosOf(random) })
    case 1:
      return one.say(unsubscribe(one, idOf(random), [filterOf(random)]))
    case 2:
      return sayAck(one, random.pick(ACKS))
    case 3:
      return one.say(pingreq)
    default:
      return one.publish(topicOf(random), {
        qos: qosOf(random),
        packetId: idOf(random),
        retain: random.chance(20),
        dup: random.chance(10),
      })
  }
}

/** Most are of nothing: one that is not due would be the end of the story. */
function sayAck(one: Client, firstByte: FirstByte): unknown {
  const isOfNothing = firstByte !== FirstByte.Pubrel && one.random.chance(80)
  return one.ack(firstByte, idOf(one.random) + (isOfNothing ? NEVER_GIVEN : 0))
}

/** All of QoS 1 and 2, towards the broker and from it, with packet ids as the broker gives them. */
const everyQos: Story = ({ one, random }) =>
  one
    .connect()
    .subscribe(1, ['h/1'], { qos: 2, retainAsPublished: random.chance(50), retainHandling: 2 })
    .publish('h/1')
    .publish('h/1', { qos: 1, packetId: 7 })
    .publish('h/1', { qos: 2, packetId: 8 })
    .publish('h/1', { qos: 2, packetId: 8, dup: true })
    .ack(FirstByte.Pubrel, 8, 8)
    .ack(FirstByte.Puback, 1)
    .ack(FirstByte.Pubrec, 2, 2)
    .ack(FirstByte.Pubcomp, 2)
    .say(unsubscribe(one, 2, ['h/1', 'h/2']))
    .publish('h/1')
    .leave()

const retained: Story = ({ one, other, random }) => {
  one.connect()
  for (const topic of TOPICS.slice(0, 3 + random.below(5))) one.publish(topic, { retain: true, qos: 1 })
  other.connect()
  for (const retainHandling of [0, 1, 2] as const) {
    other.subscribe(1 + retainHandling, ['h/#', '+'], { qos: qosOf(random), retainHandling })
  }
  one.say(publish(one, 'h/1', '', { retain: true }))
  other.subscribe(9, ['#'], { retainAsPublished: true }).leave()
}

/** More than a client is given at once, and more than are kept. */
const manyRetained: Story = ({ one, other, random }) => {
  one.connect()
  const count = random.pick([70, 90])
  for (let number = 0; number < count; number++) {
    one.say(publish(one, `h/${number % 9}/${number}`, 'r', { retain: true, qos: qosOf(random) }))
  }
  if (random.chance(50)) other.do('answers')
  other
    .keep()
    .subscribe(1, ['h/#'], { qos: qosOf(random) })
    .subscribe(2, ['+/1/+', '#'], { qos: 1 })
  other
    .ack(FirstByte.Puback, 1, 2, 3)
    .say(unsubscribe(other, 3, ['h/#']))
    .leave()
}

const shared: Story = ({ one, other, third, random }) => {
  for (const member of [one, other]) member.connect().subscribe(1, [random.pick(SHARED)], { qos: 1 })
  other.do(random.pick(['answers', 'stalls', 'cuts'] as const))
  third.connect()
  for (let id = 1; id < 8; id++) third.publish(topicOf(random), { qos: qosOf(random), packetId: id })
  one
    .ack(FirstByte.Puback, 1, 2)
    .say(unsubscribe(one, 3, SHARED))
    .leave()
}

/** A session waits, fills, and is resumed; what was in flight comes again. */
const resume: Story = ({ one, other, script, random }) => {
  one.keep().subscribe(1, ['h/#'], { qos: 2 })
  one.publish('h/1', { qos: 2, packetId: 5 }).publish('h/1', { qos: 1, packetId: 6 }).leave()
  other.connect()
  for (let id = 1; id < 6; id++) other.publish('h/2', { qos: qosOf(random), packetId: id })
  script.push(happens(random.pick(['turn', 'restart'] as const)), passes(random.pick([0, 1_000, 4_000])))
  one.keep({ cleanStart: random.chance(20) })
  one.publish('h/1', { qos: 2, packetId: 5, dup: true }).ack(FirstByte.Pubrel, 5)
  one.ack(FirstByte.Pubrec, 1, 2, 3).ack(FirstByte.Puback, 1, 2, 3).ack(FirstByte.Pubcomp, 1, 2, 3).leave()
}

const wills: Story = ({ one, other, script, random }) => {
  other.connect().subscribe(1, ['#'], { qos: 2 })
  one[random.chance(50) ? 'keep' : 'connect']({ will: willOf(random) })
  script.push(happens(random.pick(['turn', 'turn', 'restart'] as const)))
  one.do(random.pick(['ends', 'cuts', 'resets'] as const))
  script.push(
    happens(random.pick(['turn', 'turn', 'restart'] as const)),
    passes(random.pick([0, 1_500, 5_000])),
  )
  one.connect({ will: willOf(random), userName: 'name', password: 'secret' }).leave()
}

const takeOver: Story = ({ one, script, random }) => {
  const twin = new Client(1, script, random)
  const { clientId } = one
  for (const each of [one, twin]) {
    each.say(connect(each, clientId, { cleanStart: random.chance(30), will: willOf(random) }))
    each.subscribe(1, ['h/#'], { qos: 1 }).publish('h/1', { qos: 1 })
  }
  twin.leave()
}

/** Between CONNECT and CONNACK, and again later; the data says to methods.ts what to answer. */
const authenticating: Story = ({ one, other, third, random }) => {
  const data = (...bytes: number[]): Buffer => Buffer.from([...bytes, ...random.bytes(random.below(8))])
  const accept = random.pick([1, 4])
  one.connect({ cleanStart: false, expiry: 3, more: authentication(OBEY, data(0)), userName: 'ada' })
  one
    .turn()
    .say(auth(one, 0x18, OBEY, data(3)))
    .turn()
    .turn()
  one
    .say(auth(one, 0x18, OBEY, data(accept)))
    .turn()
    .turn()
  one.subscribe(1, ['h/#'], { qos: 1 }).publish('h/1', { qos: 1 })
  one
    .say(auth(one, 0x19, OBEY, data(0)))
    .turn()
    .publish('h/1')
  one.say(auth(one, 0x18, OBEY, data(random.pick([1, 2, 4])))).turn()
  other
    .connect({ more: authentication(OBEY, data(1)) })
    .publish('h/1')
    .leave()
  third.connect({ more: authentication(SCRAM, Buffer.from('n,,n=ada,r=fyko+d2lbbFgONRv9qkxdawL')) }).turn()
  third.say(auth(third, 0x18, SCRAM, Buffer.from('c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=AAAA')))
}
const SCRAM = 'SCRAM-SHA-256'

/** In the versions before 5.0 there is a password, and in 5.0 it may come alone. */
const passwords: Story = ({ one, other }) => {
  one.connect({ userName: 'name', password: 'secret' }).publish('h/1').leave()
  other.connect(other.version === 5 ? { password: 'only' } : { userName: 'only' }).leave()
}

const aliases: Story = ({ one, other, random }) => {
  other.connect().subscribe(1, ['h/#'], { qos: 1 })
  one.connect()
  for (let alias = 1; alias < 5; alias++) {
    const fields = { qos: qosOf(random), packetId: alias, ...(one.version === 5 && { alias }) }
    one.publish(topicOf(random), fields)
    if (one.version === 5) one.publish('', { ...fields, packetId: 10 + alias })
  }
  one.leave()
}

/** More than fits: a small window towards the client, and more in flight than the broker allows. */
const crowded: Story = ({ one, other, random }) => {
  one.keep().subscribe(1, ['h/#', '+/+'], { qos: random.pick([1, 2] as const) })
  if (random.chance(40)) one.do('stalls')
  other.connect()
  const count = random.pick([10, 30, 150])
  for (let id = 1; id <= count; id++) {
    other.publish('h/1', { qos: qosOf(random), packetId: id })
    if (id % 4 === 0) one.ack(FirstByte.Puback, id / 4).ack(FirstByte.Pubrec, id / 4)
  }
  one.do('reads').leave()
}

const bridge: Story = ({ one, other, random }) => {
  one.connect({ isBridge: true }).subscribe(1, ['#'], { qos: 1 })
  other.connect().publish(topicOf(random), { retain: true })
  one.publish('h/1', { qos: 1, packetId: 3 }).leave()
}

export const STORIES: readonly Story[] = [
  chatter,
  chatter,
  everyQos,
  retained,
  manyRetained,
  shared,
  resume,
  wills,
  takeOver,
  authenticating,
  passwords,
  aliases,
  crowded,
  bridge,
]

export function tellStory(random: Random, story: Story = random.pick(STORIES)): Script {
  const script: Step[] = []
  const [one, other, third] = [0, 1, 2].map((number) => new Client(number, script, random)) as [
    Client,
    Client,
    Client,
  ]
  story({ one, other, third, script, random })
  return script
}
