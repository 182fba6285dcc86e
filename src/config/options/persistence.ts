// What survives a restart, and where.
import { z } from 'zod'

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
  })
  .readonly()
