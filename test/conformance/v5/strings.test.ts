// Chapter 1 of MQTT 5: strings, string pairs and Variable Byte Integers, wherever packets have them.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text, u16, userProperty, vbi } from '../../kit/frames.ts'
import { disconnect, pingreq, publish, suback } from '../../kit/packets.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'
import { block, connectOf, Flag, refuses, refusesConnect } from './refusals.ts'

const field = (digits: string): Buffer => {
  const bytes = hex(digits)
  return Buffer.concat([u16(bytes.length), bytes])
}

/** Every kind of packet from a client that has a string, with this one in it; all are malformed. */
async function refusesEverywhere(kit: TestBroker, bad: Buffer): Promise<void> {
  const will = Flag.cleanStart | Flag.will
  await refusesConnect(kit, 0x81, connectOf({ fields: [bad] }))
  await refusesConnect(kit, 0x81, connectOf({ properties: [Buffer.concat([hex('15'), bad])] }))
  await refusesConnect(kit, 0x81, connectOf({ flags: will, fields: [text('c'), block(), bad, text('x')] }))
  await refusesConnect(
    kit,
    0x81,
    connectOf({ flags: Flag.cleanStart | Flag.userName, fields: [text('c'), bad] }),
  )
  await refuses(kit, 0x81, frame(0x30, bad, block()))
  for (const id of ['08', '03']) await refuses(kit, 0x81, publish5('a', [Buffer.concat([hex(id), bad])], 'x'))
  await refuses(kit, 0x81, frame(0x82, u16(1), block(), bad, hex('00')))
  await refuses(kit, 0x81, frame(0xa2, u16(1), block(), bad))
  await refuses(kit, 0x81, frame(0xe0, hex('00'), block(Buffer.concat([hex('1f'), bad]))))
}

describe('a UTF-8 string', () => {
  it('[v5 MQTT-1.5.4-1] makes its packet malformed when it is not well-formed, wherever it stands', async () => {
    await refusesEverywhere(await openBroker(), field('61 c0 af'))
  })

  it('[v5 MQTT-1.5.4-1] makes its packet malformed when it holds a surrogate, alone or in a pair', async () => {
    const kit = await openBroker()
    for (const digits of ['ed a0 80', 'ed bf bf', 'ed a0 bd ed b0 a6']) {
      await refuses(kit, 0x81, frame(0x30, field(digits), block()))
      await refuses(kit, 0x81, frame(0x82, u16(1), block(), field(digits), hex('00')))
    }
  })

  it('[v5 MQTT-1.5.4-1] is taken with any other code point, also of four bytes', async () => {
    const kit = await openBroker()
    const name = 'A\u{2a6d4}/\ud7ff/\ue000/\u{10ffff}'
    const receiver = await kit.subscriber('receiver', name, 0)
    await flow(await kit.client('sender')).send(publish(name, 'x'))
    await flow(receiver).receive(publish(name, 'x'))
  })

  it('[v5 MQTT-1.5.4-2] makes its packet malformed when it holds U+0000, wherever it stands', async () => {
    await refusesEverywhere(await openBroker(), field('61 00 62'))
  })

  it('[v5 MQTT-1.5.4-3] keeps a byte order mark at its beginning, in its middle and at its end', async () => {
    const kit = await openBroker()
    const name = '\ufeffa\ufeff/b\ufeff'
    const plain = await kit.subscriber('plain', 'a/b', 0)
    const receiver = await kit.subscriber('receiver', name, 0)
    const properties = [Buffer.concat([hex('03'), text('\ufefftext')]), userProperty('\ufeff', '\ufeffv')]
    const packet = publish5(name, properties, '\ufeffpayload')
    await flow(await kit.client('sender')).send(packet)
    await flow(receiver).receiveBytes(packet)
    await flow(plain).receiveNothing()
  })

  it('[v5 MQTT-1.5.4-3] tells client ids apart by a byte order mark', async () => {
    const kit = await openBroker()
    const plain = await kit.client('c')
    await kit.client('\ufeffc')
    await flow(plain).receiveNothing()
  })
})

describe('a Variable Byte Integer', () => {
  it('[v5 MQTT-1.5.5-1] is malformed with more bytes than it needs, as remaining length', async () => {
    const kit = await openBroker()
    await refuses(kit, 0x81, hex('c0 80 00'))
    await refuses(kit, 0x81, hex('c0 80 80 80 00'))
    await refuses(kit, 0x81, Buffer.concat([hex('30 85 00'), text('a'), hex('00'), Buffer.from('x')]))
    const whole = connectOf({})
    const length = whole[1] as number
    await refusesConnect(
      kit,
      0x81,
      Buffer.concat([hex('10'), Buffer.from([length | 0x80, 0]), whole.subarray(2)]),
    )
  })

  it('[v5 MQTT-1.5.5-1] is malformed with more bytes than it needs, as property length', async () => {
    const kit = await openBroker()
    await refuses(kit, 0x81, frame(0x30, text('a'), hex('80 00'), Buffer.from('x')))
    await refuses(kit, 0x81, frame(0x82, u16(1), hex('80 00'), text('a'), hex('00')))
    await refuses(kit, 0x81, frame(0xa2, u16(1), hex('80 00'), text('a')))
    await refuses(kit, 0x81, frame(0xe0, hex('00 80 00')))
  })

  it('[v5 MQTT-1.5.5-1] is malformed with more bytes than it needs, as subscription identifier', async () => {
    const kit = await openBroker()
    for (const digits of ['81 00', '81 80 00', '80 80 80 80 01']) {
      const identifier = Buffer.concat([hex('0b'), hex(digits)])
      await refuses(kit, 0x81, frame(0x82, u16(1), block(identifier), text('a'), hex('00')))
    }
  })

  it('[v5 MQTT-1.5.5-1] is sent by the broker in as few bytes as it needs', async () => {
    const kit = await openBroker()
    const receiver = await kit.client('receiver')
    const subscribe = frame(0x82, u16(1), block(hex('0b 80 01')), text('a'), hex('00'))
    await flow(receiver).send(subscribe).receive(suback(1, 0))
    const sender = await kit.client('sender')
    // Remaining lengths of 127 and 128, of 16,383 and 16,384, with the identifier 128 in two bytes.
    for (const size of [127, 128, 16_383, 16_384]) {
      const payload = Buffer.alloc(size - 3 - 4, 'x')
      await flow(sender).send(frame(0x30, text('a'), block(), payload))
      await flow(receiver).receiveBytes(frame(0x30, text('a'), block(hex('0b 80 01')), payload))
    }
    // Property lengths of 127 and 128: all but the properties themselves is fixed.
    for (const size of [127, 128]) {
      const property = userProperty('n', 'v'.repeat(size - 3 - 6))
      await flow(sender).send(frame(0x30, text('a'), block(property)))
      const { bytes } = await receiver.next()
      const expected = frame(0x30, text('a'), vbi(size), Buffer.alloc(size))
      expect(bytes.length).toBe(expected.length)
      expect(bytes.indexOf(Buffer.concat([text('a'), vbi(size)]))).toBe(3)
    }
  })
})

describe('a UTF-8 string pair', () => {
  const good = text('good')
  const pair = (name: Buffer, value: Buffer): Buffer => Buffer.concat([hex('26'), name, value])

  it('[v5 MQTT-1.5.7-1] makes its packet malformed by a bad name as by a bad value', async () => {
    const kit = await openBroker()
    for (const bad of [field('c0 af'), field('ed a0 80'), field('61 00')]) {
      for (const property of [pair(bad, good), pair(good, bad)]) {
        await refuses(kit, 0x81, publish5('a', [property], 'x'))
        await refuses(kit, 0x81, frame(0x82, u16(1), block(property), text('a'), hex('00')))
        await refuses(kit, 0x81, frame(0xa2, u16(1), block(property), text('a')))
        await refuses(kit, 0x81, frame(0x40, u16(1), hex('00'), block(property)))
        await refuses(kit, 0x81, frame(0xe0, hex('00'), block(property)))
        await refusesConnect(kit, 0x81, connectOf({ properties: [property] }))
        const fields = [text('c'), block(property), text('will'), text('x')]
        await refusesConnect(kit, 0x81, connectOf({ flags: Flag.cleanStart | Flag.will, fields }))
      }
    }
  })

  it('[v5 MQTT-1.5.7-1] makes its packet malformed when its value is missing', async () => {
    const kit = await openBroker()
    await refuses(kit, 0x81, publish5('a', [Buffer.concat([hex('26'), good])], 'x'))
    await flow(await kit.client('c'))
      .send(publish5('a', [pair(good, text(''))], 'x'), pingreq)
      .receive({ cmd: 'pingresp' })
      .send(disconnect())
      .closed()
  })
})
