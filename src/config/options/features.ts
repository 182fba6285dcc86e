// Which parts of MQTT clients may use, and whether they are sent to another server.
import { z } from 'zod'
import { count } from './count.ts'

export const features = z
  .strictObject({
    maximumQos: count(
      0,
      2,
      2,
      'Highest quality of service; subscriptions are granted no more, PUBLISH above it is refused.',
    ),
    wildcardSubscriptions: z.boolean().default(true).describe('Whether topic filters may have wildcards.'),
    sharedSubscriptions: z.boolean().default(true).describe('Whether there are shared subscriptions.'),
    subscriptionIdentifiers: z
      .boolean()
      .default(true)
      .describe('Whether 5.0 subscriptions may have identifiers.'),
    payloadFormatCheck: z
      .boolean()
      .default(false)
      .describe('Whether a payload that is said to be UTF-8 is refused when it is not.'),
    responseInformation: z
      .string()
      .max(1_024)
      .default('response/%c')
      .describe(
        'Told to 5.0 clients that ask where to have responses sent; %c is the client id. Empty: nothing is told.',
      ),
  })
  .readonly()

export const redirect = z
  .strictObject({
    serverReference: z
      .string()
      .max(1_024)
      .default('')
      .describe(
        'Where 5.0 clients are sent that are not served here, such as "other.example:1883". Empty: nowhere.',
      ),
    when: z
      .enum(['full', 'always'])
      .default('full')
      .describe('full: who finds no room for a session, and all at a shutdown; always: everybody.'),
    isPermanent: z
      .boolean()
      .default(false)
      .describe('Whether they are told to stay there (Server moved) or not (Use another server).'),
  })
  .readonly()
