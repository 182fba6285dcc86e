// The bounds of everything that clients can make grow.
import { z } from 'zod'
import { PACKET_SIZE_MAX, SESSION_NEVER_EXPIRES } from '../../packet/protocol.ts'
import { count } from './count.ts'

const HOUR_MS = 3_600_000
const BILLION = 1_000_000_000

export const limits = z
  .strictObject({
    connectionsMax: count(1, 10_000_000, 100_000, 'Open connections; one more is closed at once.'),
    connectionsPerAddressMax: count(
      1,
      10_000_000,
      25_000,
      'Open connections from one IP address (of IPv6: from one /64 network), through all listeners.',
    ),
    connectsPerSecondMax: count(
      1,
      1_000_000,
      10_000,
      'New connections a second through all listeners, ten times as many at once after a quiet time.',
    ),
    connectsPerSecondPerAddressMax: count(
      1,
      1_000_000,
      2_500,
      'The same of one IP address (of IPv6: of one /64 network).',
    ),
    handshakesPerSecondMax: count(
      1,
      1_000_000,
      1_000,
      'TLS handshakes begun a second; who comes while there are more waits for its turn.',
    ),
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
    // With the 200 separators that Mosquitto takes.
    topicLevelsMax: count(1, 65_536, 201, 'Levels of a topic name or topic filter.'),
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
      'Bytes resident above which publishers are held back, as they are with a nearly full heap; 0: 4/5 of the memory.',
    ),
    queueWindow: count(
      1,
      1_000_000,
      2_000,
      "Messages of a persistent session's queue held in memory, the rest on disk.",
    ),
    queueWindowBytes: count(1, Number.MAX_SAFE_INTEGER, 4_194_304, 'Their bytes, or one larger message.'),
    retainedMessagesMax: count(0, BILLION, 10_000_000, 'Retained messages; 0 keeps none.'),
    retainedBytesMax: count(0, Number.MAX_SAFE_INTEGER, 4_294_967_296, 'Bytes of all retained messages.'),
    retainedMessageBytesMax: count(
      0,
      PACKET_SIZE_MAX,
      PACKET_SIZE_MAX,
      'Bytes of the largest message that is retained.',
    ),
    retainedExpirySeconds: count(
      0,
      BILLION,
      0,
      'Seconds after which a retained message without a Message Expiry Interval is removed; 0: never.',
    ),
    outputBytesMax: count(
      1_024,
      BILLION,
      8_388_608,
      'Bytes waiting for one socket beyond which QoS 0 is dropped.',
    ),
    topicCacheEntries: count(1, BILLION, 16_384, 'Topic names whose matching subscriptions are remembered.'),
  })
  .readonly()
