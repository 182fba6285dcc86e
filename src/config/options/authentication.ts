// How clients prove who they are.
import { z } from 'zod'
import { count } from './count.ts'

const HOUR_MS = 3_600_000

const file = (description: string) => z.string().max(4_096).default('').describe(description)

export const authentication = z
  .strictObject({
    passwordFile: file(
      'File of users, a line each: user:hash, as mosquitto_passwd and godwit passwd write it. Empty: there are none.',
    ),
    scramFile: file('File of users for SCRAM alone, a line each: user:verifier. Empty: there are none.'),
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
    hashesAtOnceMax: count(
      1,
      1_000,
      2,
      'Passwords hashed at once, on threads that the disk waits for too; further ones wait.',
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
