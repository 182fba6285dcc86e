// -D PACKET NAME VALUE [VALUE]: properties of 5.0 under the names of the specification, as Mosquitto's clients take
// them.
import { GodwitError } from '../base/errors.ts'

type Kind = 'number' | 'text' | 'bytes' | 'flag' | 'pair'

/** Name, MQTT.js's name, kind. */
const NAMES: ReadonlyMap<string, readonly [string, Kind]> = new Map([
  ['payload-format-indicator', ['payloadFormatIndicator', 'flag']],
  ['message-expiry-interval', ['messageExpiryInterval', 'number']],
  ['content-type', ['contentType', 'text']],
  ['response-topic', ['responseTopic', 'text']],
  ['correlation-data', ['correlationData', 'bytes']],
  ['topic-alias', ['topicAlias', 'number']],
  ['subscription-identifier', ['subscriptionIdentifier', 'number']],
  ['session-expiry-interval', ['sessionExpiryInterval', 'number']],
  ['receive-maximum', ['receiveMaximum', 'number']],
  ['maximum-packet-size', ['maximumPacketSize', 'number']],
  ['topic-alias-maximum', ['topicAliasMaximum', 'number']],
  ['request-response-information', ['requestResponseInformation', 'flag']],
  ['request-problem-information', ['requestProblemInformation', 'flag']],
  ['will-delay-interval', ['willDelayInterval', 'number']],
  ['user-property', ['userProperties', 'pair']],
])

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  connect: [
    'session-expiry-interval',
    'receive-maximum',
    'maximum-packet-size',
    'topic-alias-maximum',
    'request-response-information',
    'request-problem-information',
    'user-property',
  ],
  publish: [
    'payload-format-indicator',
    'message-expiry-interval',
    'content-type',
    'response-topic',
    'correlation-data',
    'topic-alias',
    'user-property',
  ],
  subscribe: ['subscription-identifier', 'user-property'],
  unsubscribe: ['user-property'],
  disconnect: ['session-expiry-interval', 'user-property'],
  will: [
    'payload-format-indicator',
    'message-expiry-interval',
    'content-type',
    'response-topic',
    'correlation-data',
    'will-delay-interval',
    'user-property',
  ],
}

export type PacketProperties = Record<string, unknown>

/** Of all that -D said, what is for `packet`. Throws ERR_GODWIT_TOOL_USAGE for any that makes no sense. */
export function propertiesFor(packet: string, given: readonly (readonly string[])[]): PacketProperties {
  const properties: PacketProperties = {}
  for (const [of = '', name = '', ...values] of given) {
    const allowed = ALLOWED[of.toLowerCase()]
    if (allowed === undefined) usage(`-D ${of}: properties go with ${Object.keys(ALLOWED).join(', ')}`)
    if (!allowed.includes(name)) usage(`-D ${of} ${name}: it is one of ${allowed.join(', ')}`)
    if (of.toLowerCase() === packet) add(properties, name, values)
  }
  return properties
}

function add(properties: PacketProperties, name: string, [value, second]: readonly string[]): void {
  const [key, kind] = NAMES.get(name) as readonly [string, Kind]
  if (value === undefined || (kind === 'pair' && second === undefined))
    usage(`-D ... ${name}: a value is missing`)
  if (kind === 'pair') {
    const pairs = (properties[key] ?? {}) as Record<string, string[]>
    pairs[value] = [...(pairs[value] ?? []), second as string]
    properties[key] = pairs
  } else if (kind === 'number' || kind === 'flag') {
    const number = Number(value)
    if (!/^\d+$/.test(value) || (kind === 'flag' && number > 1))
      usage(`-D ... ${name}: '${value}' is not a number for it`)
    properties[key] = kind === 'flag' ? number === 1 : number
  } else {
    properties[key] = kind === 'bytes' ? Buffer.from(value) : value
  }
}

function usage(message: string): never {
  throw new GodwitError('ERR_GODWIT_TOOL_USAGE', message)
}
