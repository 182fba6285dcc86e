// Where clients connect.
import { z } from 'zod'
import { count } from './count.ts'

export const listener = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address or name to listen on; 0.0.0.0 for all of IPv4.'),
    port: count(0, 65_535, 1883, 'TCP port; 0 takes any that is free.'),
  })
  .readonly()
