// Topic aliases by themselves; what clients see of them is in test/broker/messages.test.ts.
import { describe, expect, it } from 'vitest'
import { PublishFields, PublishPacket } from '../../src/packet/publish.ts'
import { Output, Reuse } from '../../src/transport/output.ts'
import { OutboundAliases, TopicAliases } from '../../src/transport/topic-aliases.ts'
import { messageOf } from '../session/queue.ts'
import { FarEnd } from './far-end.ts'

const packet = (topicName: string, topicAlias: number): PublishPacket =>
  Object.assign(new PublishPacket(), { topicName, topicAlias })

describe('towards us', () => {
  it('resolves names, aliases and names that set aliases, names of Object too', () => {
    const aliases = new TopicAliases()
    aliases.maximum = 3
    expect(aliases.resolve(packet('a', 0))).toBe('a')
    expect(aliases.resolve(packet('__proto__', 3))).toBe('__proto__')
    expect(aliases.resolve(packet('', 3))).toBe('__proto__')
    expect(aliases.resolve(packet('b', 3))).toBe('b')
    expect(aliases.resolve(packet('', 3))).toBe('b')
  })

  it('refuses no name at all, an unknown alias, and one above the maximum', () => {
    const aliases = new TopicAliases()
    aliases.maximum = 3
    expect(() => aliases.resolve(packet('', 0))).toThrow(expect.objectContaining({ reasonCode: 0x82 }))
    expect(() => aliases.resolve(packet('', 2))).toThrow(expect.objectContaining({ reasonCode: 0x82 }))
    expect(() => aliases.resolve(packet('a', 4))).toThrow(expect.objectContaining({ reasonCode: 0x94 }))
  })
})

describe('towards the client', () => {
  it('leaves nothing of itself in the fields that its senders share', () => {
    const aliases = new OutboundAliases(1)
    const fields = Object.assign(new PublishFields(), { version: 5, maximumPacketSize: 100 })
    const output = Output.take()
    for (let i = 0; i < 2; i++) {
      expect(aliases.encode(output, messageOf('x', 0), fields)).toBe(true)
      expect(fields.topicAlias).toBe(0)
      expect(fields.omitsTopic).toBe(false)
    }
    const farEnd = new FarEnd()
    output.writeTo(farEnd, Reuse.Never)
    const hex = Buffer.concat(farEnd.writes).toString('hex')
    // PUBLISH of "a" with alias 1, then of no name with alias 1.
    expect(hex).toBe('30080001610323000178' + '300700000323000178')
  })
})
