// Every option there is, with its default, its limits and a sentence: the one place for all three, a file of options/
// for each group. Filled by load.ts (file, environment, flags) or by a program; the composition root hands the values
// down. Help texts and documentation are generated from it, so a description names its unit.
import { z } from 'zod'
import { authentication } from './options/authentication.ts'
import { authorization } from './options/authorization.ts'
import { deadLetters } from './options/dead-letters.ts'
import { features, redirect } from './options/features.ts'
import { limits } from './options/limits.ts'
import { listener } from './options/listeners.ts'
import { overflow } from './options/overflow.ts'
import { persistence } from './options/persistence.ts'
import { log, system, transport } from './options/process.ts'

export const configSchema = z
  .strictObject({
    listeners: z
      .array(listener)
      .min(1)
      .readonly()
      .prefault([{}])
      .describe('Where clients connect: a list of listeners, or of addresses such as mqtts://0.0.0.0:8883.'),
    allowAnonymous: z
      .boolean()
      .optional()
      .describe(
        'Whether clients may connect without proving who they are. Not set: only if every listener is on loopback ' +
          'and nothing says how they would prove it.',
      ),
    persistence: persistence.prefault({}).describe('What survives a restart, and where.'),
    limits: limits.prefault({}).describe('The bounds of everything that clients can make grow.'),
    features: features.prefault({}).describe('Which parts of MQTT clients may use.'),
    overflow: overflow.prefault({}).describe('What happens to messages for which there is no room.'),
    deadLetters: deadLetters.prefault({}).describe('What is published of messages that are dropped.'),
    redirect: redirect.prefault({}).describe('Whether clients are sent to another server.'),
    authentication: authentication.prefault({}).describe('How clients prove who they are.'),
    authorization: authorization.prefault({}).describe('What clients may do.'),
    system: system.prefault({}).describe('What the broker says of itself.'),
    transport: transport.prefault({}).describe('How bytes come in and go out.'),
    log: log.prefault({}).describe('What is written about the run.'),
  })
  .readonly()

export type ListenerInput = z.input<typeof listener>

/** What a program or a file may say: everything is optional. */
export type ConfigInput = Omit<z.input<typeof configSchema>, 'listeners'> & {
  readonly listeners?: readonly (ListenerInput | string)[] | undefined
}

/** One listener with all its values. Where a limit of all listeners is lower, that one is here. */
export type ListenerConfig = z.output<typeof listener> & {
  readonly port: number
  readonly allowAnonymous: boolean
  readonly authenticators: Config['authentication']['order']
}

/** What holds: every option has its value. Frozen. */
export type Config = Omit<z.output<typeof configSchema>, 'allowAnonymous' | 'listeners'> & {
  readonly allowAnonymous: boolean
  readonly listeners: readonly ListenerConfig[]
  /** One of which nothing is said: for streams of this process, and addresses that only a program names. */
  readonly plainListener: ListenerConfig
}

export type Limits = Config['limits']
