// The process itself: what it says of itself, how bytes come in and go out, what is logged.
import { z } from 'zod'
import { count } from './count.ts'

export const system = z
  .strictObject({
    intervalSeconds: count(
      0,
      86_400,
      10,
      'Seconds between two looks at what the broker says of itself under $SYS; 0: it says nothing.',
    ),
  })
  .readonly()

export const transport = z
  .strictObject({
    sharedReads: z
      .boolean()
      .default(true)
      .describe(
        'Whether sockets share the buffer of small reads, which costs less CPU and leans on how Node works.',
      ),
  })
  .readonly()

export const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('The least important lines to write.'),
    format: z
      .enum(['auto', 'json', 'pretty'])
      .default('auto')
      .describe('json: an object a line; pretty: for people; auto: pretty on a terminal, json elsewhere.'),
  })
  .readonly()
