// Characters that look like nothing, or are none: kept byte for byte wherever a string of a client goes.
// What is no UTF-8 at all is refused: test/hostile/strings.test.ts has that for every field.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16, userProperty, vbi } from '../kit/frames.ts'
import { puback, publish, publish1, suback, subscribe, type Version } from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

/** As bytes, since the point is that nobody touches them. */
const ODD: readonly (readonly [what: string, bytes: string])[] = [
  ['a byte order mark (U+FEFF)', 'ef bb bf'],
  ['U+FFFE', 'ef bf be'],
  ['U+FFFF', 'ef bf bf'],
  ['the replacement character (U+FFFD)', 'ef bf bd'],
  ['the last code point (U+10FFFF)', 'f4 8f bf bf'],
  ['a code point beyond the first plane', 'f0 9d 84 9e'],
  ['control characters', '01 7f c2 80 c2 9f'],
  ['a non-character (U+FDD0)', 'ef b7 90'],
]
const keptFields = (version: Version) => ({
  clean: false,
  ...(version === 5 && { properties: { sessionExpiryInterval: 1_000 } }),
})

const rows = STORES.flatMap((store) => ODD.map(([what, bytes]) => ({ store, what, odd: hex(bytes) })))

describe.each(rows)('$what on the $store store', ({ store, odd }) => {
  const topic = Buffer.concat([odd, Buffer.from('/x/'), odd]).toString()
  const field = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])

  it.each([3, 4, 5] as const)('is kept in topic name and topic filter, in version %i', async (version) => {
    const kit = await openBroker({ store })
    expect(Buffer.from(topic).subarray(0, odd.length)).toEqual(odd)
    const properties = version === 5 ? hex('00') : hex('')
    const bytes = (flags: number) =>
      frame(0x32 | flags, text(topic), u16(1), properties, Buffer.from('payload'))
    await flow(await kit.client('c', { version, fields: keptFields(version) }))
      .send(subscribe(1, topic, 1), subscribe(2, `x/${topic}`, 1))
      .receive(suback(1, 1), suback(2, 1))
      .drop()
    await flow(await kit.client('sender', { version }))
      .send(bytes(1))
      .receive(puback(1))
      // Without the odd character it is another topic.
      .send(publish1(2, '/x/', 'other'))
      .receive(puback(2, version === 5 ? 0x10 : 0))
    if (store === 'level') await kit.restart()
    const options = { version, fields: keptFields(version), sessionPresent: version !== 3 }
    await flow(await kit.client('c', options))
      .receiveBytes(bytes(0))
      .receiveNothing()
    await flow(await kit.client('late', { version }))
      .send(subscribe(1, '+/x/+', 1))
      .receive(suback(1, 1))
      .receiveBytes(bytes(1))
      .receiveNothing()
  })

  it('makes another client id', async () => {
    const kit = await openBroker({ store })
    const fields = keptFields(5)
    const clientId = `${odd}c`
    await flow(await kit.subscriber(clientId, 'a', 1, { fields })).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    if (store === 'level') await kit.restart()
    await flow(await kit.client('c', { fields, sessionPresent: false })).receiveNothing()
    await flow(await kit.client(clientId, { fields, sessionPresent: true })).receive(publish1(1, 'a', 'x'))
  })

  it('makes another share name', async () => {
    const kit = await openBroker({ store })
    const one = await kit.subscriber('one', `$share/${odd}g/a`, 0)
    const two = await kit.subscriber('two', '$share/g/a', 0)
    await kit.publish('a', 'x')
    await flow(one).receive(publish('a', 'x')).receiveNothing()
    await flow(two).receive(publish('a', 'x')).receiveNothing()
  })

  it('is kept in every string of a message, and in those of a will', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', '#', 1, { fields: keptFields(5) })).drop()
    const block = Buffer.concat([
      hex('03'),
      field(odd),
      hex('08'),
      field(odd),
      userProperty(`${odd}`, `${odd}`),
      userProperty(`k${odd}`, `v${odd}`),
    ])
    const properties = [vbi(block.length), block]
    await flow(await kit.client('sender'))
      .send(frame(0x32, text('a'), u16(1), ...properties, odd))
      .receive(puback(1))
    const connect5 = [text('MQTT'), hex('05 0e 0000 00'), text('who has a will')]
    await flow(kit.peer(5))
      .send(frame(0x10, ...connect5, ...properties, text('w'), field(odd)))
      .do(() => kit.settle())
      .drop()
    await kit.settle()
    if (store === 'level') await kit.restart()
    await flow(await kit.client('c', { fields: keptFields(5), sessionPresent: true }))
      .receiveBytes(frame(0x32, text('a'), u16(1), ...properties, odd))
      .receiveBytes(frame(0x32, text('w'), u16(2), ...properties, odd))
      .receiveNothing()
  })
})
