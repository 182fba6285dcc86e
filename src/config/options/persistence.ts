// What survives a restart, and where.
import { z } from 'zod'
import { count } from './count.ts'

const BILLION = 1_000_000_000

export const persistence = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether anything survives a restart; false keeps all in memory.'),
    path: z
      .string()
      .min(1)
      .default('./data')
      .describe('Data folder, from the folder that godwit is started in.'),
    sync: z
      .enum(['always', 'everysec', 'no'])
      .default('always')
      .describe(
        'What an acknowledgement means. always: fsynced; everysec: fsynced within a second; no: written.',
      ),
    reserveBytes: count(
      0,
      BILLION,
      67_108_864,
      'Bytes kept in the data folder for a full disk, so that queues can be taken out then; 0 keeps none.',
    ),
    quarantineBytesMax: count(
      0,
      Number.MAX_SAFE_INTEGER,
      1_073_741_824,
      'Bytes of damaged files and rows set aside; the oldest go first.',
    ),
  })
  .readonly()
