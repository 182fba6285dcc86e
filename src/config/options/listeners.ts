// Where clients connect: any number of listeners, each with its own address, terms and protections.
import { z } from 'zod'
import { isAddressRange } from '../../base/address-ranges.ts'
import { PACKET_SIZE_MAX } from '../../packet/protocol.ts'
import { topicNameProblem } from '../../topic/topic-name.ts'
import { authenticatorName } from './authentication.ts'
import { count } from './count.ts'
import { tls } from './tls.ts'

export const PORTS = { mqtt: 1883, mqtts: 8883, ws: 8083, wss: 8084 } as const
/** In place of an address, for those that come by a unix socket. */
export const UNIX = 'unix'
const MOUNT_LEVELS_MAX = 100

const addressRange = z.string().refine((text) => text === UNIX || isAddressRange(text), {
  error: 'it must be an IP address, a range such as 10.0.0.0/8, or unix',
})

const websocket = z
  .strictObject({
    path: z
      .string()
      .default('/mqtt')
      .describe('Path of the WebSocket; other paths are answered 404. Empty: any.'),
    origins: z
      .array(z.string())
      .readonly()
      .default([])
      .describe(
        'Origins of the pages that may connect, such as "https://example.com"; "*" is any. Empty: any where clients ' +
          'must say who they are, else pages of the same host only.',
      ),
    trustedProxies: z
      .array(addressRange)
      .readonly()
      .default([])
      .describe('Addresses of the proxies whose X-Forwarded-For is believed; "unix" for a unix socket.'),
    headerBytesMax: count(256, 1_048_576, 8_192, 'Bytes of the HTTP request that asks for the WebSocket.'),
  })
  .readonly()

const proxyProtocol = z
  .strictObject({
    trusted: z
      .array(addressRange)
      .readonly()
      .default([])
      .describe(
        'Addresses of the proxies that may connect, and begin with a PROXY header (version 1 or 2). Empty: it is off.',
      ),
  })
  .readonly()

export const listener = z
  .strictObject({
    name: z
      .string()
      .max(64)
      .regex(/^[^/+#\0]*$/, { error: 'it must be without /, + and #' })
      .default('')
      .describe('Its name in logs, rules and $SYS. Empty: protocol and port, such as "mqtts-8883".'),
    protocol: z
      .enum(['mqtt', 'mqtts', 'ws', 'wss'])
      .default('mqtt')
      .describe('MQTT over TCP or over WebSocket, each plain or with TLS.'),
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address or name to listen on; 0.0.0.0 for all of IPv4.'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .meta({ default: PORTS.mqtt })
      .describe('TCP port; 0 takes any that is free. Not set: 1883, 8883, 8083, 8084 by protocol.'),
    socketPath: z
      .string()
      .max(100)
      .default('')
      .describe('Path of a unix socket to listen on instead of host and port. Empty: none.'),
    socketMode: z
      .string()
      .regex(/^[0-7]{3}$/, { error: 'it must be three octal digits, such as "660"' })
      .default('660')
      .describe('Who may connect to the unix socket: its file mode in octal, as for chmod.'),
    allowAnonymous: z
      .boolean()
      .optional()
      .describe('Whether its clients may connect without proving who they are. Not set: as allowAnonymous.'),
    authenticators: z
      .array(authenticatorName)
      .readonly()
      .optional()
      .describe('Who is asked about its clients, in this order. Not set: as authentication.order.'),
    versions: z
      .array(z.literal([3, 4, 5]))
      .min(1)
      .readonly()
      .default([3, 4, 5])
      .describe('Versions of MQTT that are spoken: 3 for 3.1, 4 for 3.1.1, 5 for 5.0.'),
    maximumQos: count(0, 2, 2, 'Highest quality of service for its clients; features.maximumQos holds too.'),
    maximumPacketSize: count(
      16,
      PACKET_SIZE_MAX,
      PACKET_SIZE_MAX,
      'Bytes of the largest packet taken from its clients; limits.maximumPacketSize holds too.',
    ),
    connectionsMax: count(
      1,
      10_000_000,
      10_000_000,
      'Open connections; limits.connectionsMax and limits.connectionsPerAddressMax hold too.',
    ),
    mountPoint: z
      .string()
      .default('')
      .describe('Put in front of every topic of its clients, who do not see it, such as "tenant/7/".'),
    tls: tls.prefault({}).describe('Certificates and keys, for mqtts and wss.'),
    websocket: websocket.prefault({}).describe('The HTTP side of ws and wss.'),
    proxyProtocol: proxyProtocol
      .prefault({})
      .describe('For a listener behind a proxy that passes on addresses.'),
  })
  .superRefine((given, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message })
    if (given.socketPath !== '') {
      if (given.port !== undefined) refuse(['port'], 'it is not for a unix socket (socketPath)')
      if (isTls(given.protocol)) refuse(['protocol'], 'on a unix socket (socketPath) it must be mqtt or ws')
    }
    const problem = mountPointProblem(given.mountPoint)
    if (problem !== undefined) refuse(['mountPoint'], problem)
    if (isTls(given.protocol)) checkTls(given.tls, (name, message) => refuse(['tls', name], message))
    else if (given.tls.requireCertificate || FILES.some((name) => given.tls[name] !== '')) {
      refuse(['protocol'], 'with what stands in its tls block it must be mqtts or wss')
    }
  })
  .readonly()

export const isTls = (protocol: keyof typeof PORTS): boolean => protocol === 'mqtts' || protocol === 'wss'

function mountPointProblem(mountPoint: string): string | undefined {
  if (mountPoint === '') return undefined
  if (!mountPoint.endsWith('/')) return 'it must end with /'
  if (mountPoint.startsWith('$share/')) return 'it must not begin with $share/'
  const problem = topicNameProblem(mountPoint, MOUNT_LEVELS_MAX)
  return problem === undefined ? undefined : `as the beginning of a topic ${problem}`
}

type Tls = z.output<typeof tls>
const OF_CERTIFICATES = ['certificate', 'key', 'ca', 'crl'] as const
const FILES = [...OF_CERTIFICATES, 'pskFile'] as const

/** What does not go together is refused: half a configuration must not become a door that stands open. */
function checkTls(given: Tls, refuse: (name: keyof Tls, message: string) => void): void {
  if (given.pskFile !== '') {
    for (const name of OF_CERTIFICATES) {
      if (given[name] !== '') refuse(name, 'it does not go with tls.pskFile')
    }
    if (given.requireCertificate) refuse('requireCertificate', 'it does not go with tls.pskFile')
  } else {
    if (given.certificate === '') refuse('certificate', 'mqtts and wss need it and tls.key, or tls.pskFile')
    if (given.certificate !== '' && given.key === '') refuse('key', 'it must be the key of tls.certificate')
    if (given.userNameFrom === 'pskIdentity') refuse('userNameFrom', 'it needs tls.pskFile')
  }
  if (given.requireCertificate && given.ca === '') refuse('ca', 'it is needed for tls.requireCertificate')
  if (!given.requireCertificate) {
    if (given.ca !== '') refuse('ca', 'it is for tls.requireCertificate')
    if (given.userNameFrom === 'commonName' || given.userNameFrom === 'subject')
      refuse('userNameFrom', 'it needs tls.requireCertificate')
  }
  if (given.crl !== '' && given.ca === '') refuse('crl', 'it needs tls.ca')
}
