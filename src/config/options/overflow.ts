// What happens to messages for which there is no room.
import { z } from 'zod'

const overflowPolicy = z.enum(['drop-newest', 'drop-oldest', 'reject', 'disconnect'])

const overflowRule = z
  .strictObject({
    topicFilter: z.string().min(1).describe('Topic filter of the messages that it is for.'),
    policy: overflowPolicy.describe('What happens to them.'),
  })
  .readonly()

export const overflow = z
  .strictObject({
    policy: overflowPolicy
      .default('drop-newest')
      .describe(
        'What becomes of a message for a full queue. reject: the publisher is told; disconnect: the client goes.',
      ),
    byTopic: z
      .array(overflowRule)
      .readonly()
      .default([])
      .describe('Policies of their own for messages whose topic matches; the first that does counts.'),
    oldPublishers: z
      .enum(['hold-back', 'disconnect'])
      .default('hold-back')
      .describe(
        'What reject does to 3.x clients, whom no answer tells. hold-back: they are not read from until there is room.',
      ),
    queueQos0: z
      .boolean()
      .default(false)
      .describe('Whether QoS 0 messages wait for persistent sessions whose client is away.'),
  })
  .readonly()
