// Frames that stay in the chunk they came in, and frames that go out from it: nobody reads what another one wrote.
import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { arrivingChunk } from '../../src/packet/arriving-chunk.ts'
import { FieldWriter } from '../../src/packet/field-writer.ts'
import { FrameSplitter } from '../../src/packet/frame-splitter.ts'
import type { Message } from '../../src/packet/message.ts'
import {
  decodePublish,
  encodePublish,
  messageOf,
  PublishFields,
  PublishPacket,
} from '../../src/packet/publish.ts'
import { Output } from '../../src/transport/output.ts'

/** A chunk with the messages of `payloads` at QoS 1, in memory of its own. */
function chunkOf(...payloads: string[]): { chunk: Buffer; messages: Message[] } {
  const frames = payloads.map((payload, i) =>
    mqttPacket.generate({
      cmd: 'publish',
      topic: 'a/b',
      payload,
      qos: 1,
      messageId: i + 1,
      retain: false,
      dup: false,
    }),
  )
  const chunk = Buffer.from(new Uint8Array(Buffer.concat(frames)).buffer)
  const splitter = new FrameSplitter()
  splitter.push(chunk)
  const messages: Message[] = []
  const packet = new PublishPacket()
  while (messages.length < payloads.length && splitter.next()) {
    decodePublish(splitter, 4, packet)
    messages.push(messageOf(packet, packet.topicName, 0))
  }
  return { chunk, messages }
}

function fieldsFor(packetId: number): PublishFields {
  const fields = new PublishFields()
  fields.qos = 1
  fields.packetId = packetId
  fields.maximumPacketSize = 1_000_000
  return fields
}

const payloadsOf = (messages: Message[]): string[] => messages.map(({ payload }) => payload.toString())

describe('a message that is kept', () => {
  const large = 'x'.repeat(9_000)

  it('stays in its chunk when most of that is kept', () => {
    const { chunk, messages } = chunkOf(large, large, 'small')
    arrivingChunk.begin(chunk, true)
    for (const message of messages.slice(0, 2)) message.own()
    arrivingChunk.end()
    expect(messages.map(({ bytes }) => bytes === chunk)).toEqual([true, true, true])
  })

  it('leaves its chunk when less than half of that is kept', () => {
    const { chunk, messages } = chunkOf(large, large, large, 'small')
    arrivingChunk.begin(chunk, true)
    messages[0]?.own()
    messages[3]?.own()
    arrivingChunk.end()
    expect(messages.map(({ bytes }) => bytes === chunk)).toEqual([false, true, true, false])
    chunk.fill(0)
    expect(payloadsOf([messages[0] as Message, messages[3] as Message])).toEqual([large, 'small'])
  })

  it('leaves a chunk that is no longer being handled', () => {
    const { chunk, messages } = chunkOf('x'.repeat(20_000), 'small')
    arrivingChunk.begin(chunk, true)
    arrivingChunk.end()
    messages[1]?.own()
    expect(messages[1]?.bytes).not.toBe(chunk)
  })

  it('leaves its chunk also when another one is begun before the end', () => {
    const { chunk, messages } = chunkOf(large, large, large, 'small')
    arrivingChunk.begin(chunk, true)
    messages[3]?.own()
    arrivingChunk.begin(chunkOf('other').chunk, true)
    arrivingChunk.end()
    expect(messages[3]?.bytes).not.toBe(chunk)
  })
})

describe('a frame that is sent on as it came', () => {
  const packetIdIn = (frame: Buffer): number => frame.readUInt16BE(2 + 2 + 'a/b'.length)

  it('goes out from its chunk to its first receiver, and as a copy to the others', () => {
    const { chunk, messages } = chunkOf('one')
    const [message] = messages as [Message]
    const [first, second] = [Output.take(), new FieldWriter()]
    arrivingChunk.begin(chunk, true)
    encodePublish(first, message, fieldsFor(0x1234))
    encodePublish(second, message, fieldsFor(0x5678))
    arrivingChunk.end()
    expect(first.length).toBe(0)
    expect(packetIdIn(chunk)).toBe(0x1234)
    expect(packetIdIn(second.block())).toBe(0x5678)
  })

  it.each([
    ['somebody else may have the memory', false, true],
    ['it was kept, and comes again later', true, false],
  ])('is copied when %s', (_, isOurs, isDuring) => {
    const { chunk, messages } = chunkOf('one')
    const before = Buffer.from(chunk)
    const target = new FieldWriter()
    arrivingChunk.begin(chunk, isOurs)
    if (!isDuring) arrivingChunk.end()
    encodePublish(target, messages[0] as Message, fieldsFor(0x1234))
    arrivingChunk.end()
    expect(chunk.equals(before)).toBe(true)
    expect(packetIdIn(target.block())).toBe(0x1234)
  })
})
