// How clients prove who they are.
import { z } from 'zod'
import { count } from './count.ts'

const HOUR_MS = 3_600_000

export const authentication = z
  .strictObject({
    scramFile: z
      .string()
      .max(4_096)
      .default('')
      .describe('File of users for SCRAM-SHA-256, a line each: user:verifier. Empty: there are none.'),
    scramSecret: z
      .string()
      .max(1_024)
      .default('')
      .describe(
        'From it come the salts shown for unknown users. Empty: random, and others after each start.',
      ),
    stepsMax: count(1, 1_000, 10, 'Packets with which a client may take part in one authentication.'),
    stepsAtOnceMax: count(
      1,
      100_000,
      16,
      'Answers of authentication methods, such as look-ups, under way at once; further ones wait.',
    ),
    failuresFree: count(
      0,
      1_000_000,
      10,
      'Failures in a row, of an address or a user name, after which it has to wait longer and longer.',
    ),
    backOffMaxMs: count(0, HOUR_MS, 60_000, 'The longest such wait, in milliseconds; 0: there is none.'),
    timeoutMs: count(
      1,
      HOUR_MS,
      30_000,
      'Milliseconds of one authentication; that of a CONNECT is held to connectTimeoutMs too.',
    ),
  })
  .readonly()
