// Every option there is, with its default, its limits and a sentence: the one place for all three.
// Filled by load.ts (file, environment, flags) or by a program; the composition root hands the values down.
// Help texts and documentation are generated from it, so a description names its unit.
import { z } from 'zod'
import { PACKET_SIZE_MAX, SESSION_NEVER_EXPIRES } from '../packet/protocol.ts'

const HOUR_MS = 3_600_000
const BILLION = 1_000_000_000

/** A whole number from `min` to `max`. */
const count = (min: number, max: number, initial: number, description: string) =>
  z.int().min(min).max(max).default(initial).describe(description)

const listener = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address or name to listen on; 0.0.0.0 for all of IPv4.'),
    port: count(0, 65_535, 1883, 'TCP port; 0 takes any that is free.'),
  })
  .readonly()

const persistence = z
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

const limits = z
  .strictObject({
    connectionsMax: count(1, 10_000_000, 100_000, 'Open connections; one more is closed at once.'),
    connectTimeoutMs: count(
      1,
      HOUR_MS,
      10_000,
      'Milliseconds from the accepted connection to its whole CONNECT.',
    ),
    connectBytesMax: count(16, PACKET_SIZE_MAX, 393_216, 'Bytes of the largest CONNECT packet taken.'),
    controlBytesMax: count(
      16,
      PACKET_SIZE_MAX,
      524_288,
      'Bytes of the largest packet taken that is neither CONNECT nor PUBLISH, such as SUBSCRIBE.',
    ),
    maximumPacketSize: count(
      16,
      PACKET_SIZE_MAX,
      16_777_216,
      'Bytes of the largest packet taken from a client.',
    ),
    keepAliveMax: count(
      1,
      65_535,
      65_535,
      'Seconds; who asks for a longer keep alive, or for none, is given this one. 65535 leaves it as asked.',
    ),
    topicLevelsMax: count(1, 65_536, 200, 'Levels of a topic name or topic filter.'),
    receiveMaximum: count(
      1,
      65_535,
      65_535,
      'QoS 1 and 2 messages that a 5.0 client may have unacknowledged.',
    ),
    topicAliasMaximum: count(0, 65_535, 64, 'Topic aliases that a 5.0 client may use; 0 allows none.'),
    topicAliasMaximumOut: count(
      0,
      65_535,
      16,
      'Topic aliases used towards a 5.0 client that allows them; 0 uses none.',
    ),
    // Packet ids follow the queue's sequence, so as many as there are ids may never be in flight.
    inFlightMax: count(1, 65_534, 1_024, 'Unacknowledged QoS 1 and 2 messages towards one client.'),
    subscriptionsPerSessionMax: count(1, BILLION, 100_000, 'Subscriptions of one session.'),
    sessionsMax: count(1, BILLION, 1_000_000, 'Sessions, connected or waiting for their client.'),
    sessionExpiryIntervalMax: count(
      0,
      SESSION_NEVER_EXPIRES,
      SESSION_NEVER_EXPIRES,
      'Seconds that a session may outlive its connection; 4294967295 is for ever.',
    ),
    queueMessagesMax: count(1, BILLION, 1_000_000, 'Messages waiting for one session.'),
    queueBytesMax: count(1, Number.MAX_SAFE_INTEGER, 1_073_741_824, 'Bytes waiting for one session.'),
    queuedMessagesMax: count(1, BILLION, 100_000_000, 'Messages waiting for all sessions together.'),
    queuedBytesMax: count(
      1,
      Number.MAX_SAFE_INTEGER,
      68_719_476_736,
      'Bytes waiting for all sessions together.',
    ),
    memoryBytesMax: count(
      0,
      Number.MAX_SAFE_INTEGER,
      0,
      'Bytes of memory resident above which publishers are held back; 0: four fifths of what the machine has.',
    ),
    queueWindow: count(
      1,
      1_000_000,
      2_000,
      "Messages of a persistent session's queue held in memory, the rest on disk.",
    ),
    queueWindowBytes: count(1, Number.MAX_SAFE_INTEGER, 4_194_304, 'Their bytes, or one larger message.'),
    retainedMessagesMax: count(0, BILLION, 10_000_000, 'Retained messages; 0 keeps none.'),
    outputBytesMax: count(
      1_024,
      BILLION,
      8_388_608,
      'Bytes waiting for one socket beyond which QoS 0 is dropped.',
    ),
    topicCacheEntries: count(1, BILLION, 16_384, 'Topic names whose matching subscriptions are remembered.'),
  })
  .readonly()

const features = z
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

const overflowPolicy = z.enum(['drop-newest', 'drop-oldest', 'reject', 'disconnect'])

const overflowRule = z
  .strictObject({
    topicFilter: z.string().min(1).describe('Topic filter of the messages that it is for.'),
    policy: overflowPolicy.describe('What happens to them.'),
  })
  .readonly()

const overflow = z
  .strictObject({
    policy: overflowPolicy
      .default('drop-newest')
      .describe(
        'What becomes of a message for a full queue. reject: the publisher is told; disconnect: the client goes.',
      ),
    byTopic: z
      .array(overflowRule)
      .readonly()
      .default([])
      .describe('Policies of their own for messages whose topic matches; the first that does counts.'),
    oldPublishers: z
      .enum(['hold-back', 'disconnect'])
      .default('hold-back')
      .describe(
        'What reject does to 3.x clients, whom no answer tells. hold-back: they are not read from until there is room.',
      ),
  })
  .readonly()

const redirect = z
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

const authentication = z
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
    timeoutMs: count(
      1,
      HOUR_MS,
      30_000,
      'Milliseconds of one authentication; that of a CONNECT is held to connectTimeoutMs too.',
    ),
  })
  .readonly()

const system = z
  .strictObject({
    intervalSeconds: count(
      0,
      86_400,
      10,
      'Seconds between two looks at what the broker says of itself under $SYS; 0: it says nothing.',
    ),
  })
  .readonly()

const transport = z
  .strictObject({
    sharedReads: z
      .boolean()
      .default(true)
      .describe(
        'Whether sockets share the buffer of small reads, which costs less CPU and leans on how Node works.',
      ),
  })
  .readonly()

const log = z
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

export const configSchema = z
  .strictObject({
    listeners: z
      .array(listener)
      .min(1)
      .readonly()
      .prefault([{}])
      .describe('Where clients connect: a list of host and port.'),
    allowAnonymous: z
      .boolean()
      .optional()
      .describe(
        'Whether clients may connect without proving who they are. Not set: only if every listener is on loopback.',
      ),
    persistence: persistence.prefault({}).describe('What survives a restart, and where.'),
    limits: limits.prefault({}).describe('The bounds of everything that clients can make grow.'),
    features: features.prefault({}).describe('Which parts of MQTT clients may use.'),
    overflow: overflow.prefault({}).describe('What happens to messages for which there is no room.'),
    redirect: redirect.prefault({}).describe('Whether clients are sent to another server.'),
    authentication: authentication.prefault({}).describe('How clients prove who they are.'),
    system: system.prefault({}).describe('What the broker says of itself.'),
    transport: transport.prefault({}).describe('How bytes come in and go out.'),
    log: log.prefault({}).describe('What is written about the run.'),
  })
  .readonly()

/** What a program or a file may say: everything is optional. */
export type ConfigInput = z.input<typeof configSchema>

/** What holds: every option has its value. Frozen. */
export type Config = Omit<z.output<typeof configSchema>, 'allowAnonymous'> & {
  readonly allowAnonymous: boolean
}

export type Limits = Config['limits']
export type ListenerConfig = Config['listeners'][number]
