// What is published of messages that are dropped.
import { z } from 'zod'
import { DropReason } from '../../session/drops.ts'
import { count } from './count.ts'

/** The first level is plain: what is published at or below the plain levels makes no dead letters. */
const TEMPLATE = /^$|^(?!\$SYS(\/|$)|\$share(\/|$))[^%+#/\0]+(\/([^%+#\0]|%[tcr])*)?$/

export const deadLetters = z
  .strictObject({
    topic: z
      .string()
      .max(1_024)
      .regex(TEMPLATE)
      .default('')
      .meta({ examples: ['dead/%t'] })
      .describe(
        'Where dropped messages are published: %t is the topic name, %c the client id, %r the reason. Empty: nowhere.',
      ),
    reasons: z
      .array(z.enum(DropReason))
      .readonly()
      .default([
        DropReason.QueueFull,
        DropReason.Expired,
        DropReason.TooLarge,
        DropReason.Refused,
        DropReason.SessionEnded,
      ])
      .describe('Reasons of dropping that make dead letters.'),
    messagesPerSecondMax: count(1, 1_000_000, 1_000, 'Dead letters made in a second; others are withheld.'),
    bytesPerSecondMax: count(
      1,
      Number.MAX_SAFE_INTEGER,
      16_777_216,
      'Bytes of dead letters made in a second, or one that is larger.',
    ),
  })
  .readonly()
