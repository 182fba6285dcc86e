// What clients may do.
import { z } from 'zod'
import { count } from './count.ts'

const http = z
  .strictObject({
    url: z
      .string()
      .max(4_096)
      .default('')
      .describe('Address of a service that is asked, such as "https://id.example/acl". Empty: none is.'),
    authorization: z
      .string()
      .max(4_096)
      .default('')
      .describe('Header Authorization of the request, such as "Bearer ...". Empty: it has none.'),
    requestsAtOnceMax: count(1, 10_000, 32, 'Requests under way at once; further ones wait.'),
  })
  .readonly()

export const authorization = z
  .strictObject({
    aclFile: z
      .string()
      .max(4_096)
      .default('')
      .describe(
        "File of rules in Mosquitto's syntax; what none of them grants is refused. Empty: there are none.",
      ),
    http: http.prefault({}).describe('A service that is asked what rules and rights leave open.'),
    refusedPublish: z
      .enum(['drop', 'disconnect'])
      .default('drop')
      .describe(
        'What happens when a client publishes where it may not. drop: in 5.0 it is told, where its QoS has an answer.',
      ),
    checkRetainSource: z
      .boolean()
      .default(true)
      .describe('Whether retained messages are withheld whose publisher may not publish them any more.'),
    topicsRemembered: count(1, 100_000, 64, 'Topic names for which each client has its rights remembered.'),
    answersSeconds: count(
      1,
      86_400,
      60,
      'Seconds for which answers of others about publishing are remembered; a reload forgets them.',
    ),
    timeoutMs: count(1, 60_000, 5_000, 'Milliseconds within which others must answer; later it is a no.'),
  })
  .readonly()
