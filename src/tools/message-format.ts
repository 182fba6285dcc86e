// -F of `godwit sub` and `rr`: a line for each message, in the letters of mosquitto_sub.
//
//   %%  %t topic  %p payload  %x %X it in hex  %l its length  %q QoS  %r retained  %m packet id
//   %A alias  %C content type  %D correlation data  %E expiry  %F payload format  %P user properties
//   %R response topic  %S subscription identifiers  %I %U time  %j %J JSON  @Y @m @d @H @M @S @z ... strftime
//   \n \t \r \0 \a \e \v \\      width, precision and the flags 0 and - as in printf: %-10.5t
import type { IPublishPacket } from 'mqtt'

export interface FormatOptions {
  /** JSON over several lines. */
  readonly isPretty: boolean
}

interface Field {
  readonly letter: string
  readonly isLeft: boolean
  readonly isZeroFilled: boolean
  readonly width: number
  readonly precision: number
}

const FIELD = /^%([-0]*)(\d*)(?:\.(\d+))?(.)/s
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\x07',
  e: '\x1b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Bytes, since payloads are. `receivedAt` in milliseconds since the epoch. */
export function formatMessage(
  format: string,
  packet: IPublishPacket,
  receivedAt: number,
  options: FormatOptions,
): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < format.length; ) {
    const character = format[at] as string
    const next = format[at + 1]
    if (character === '%') {
      const match = FIELD.exec(format.slice(at))
      if (match === null) break
      parts.push(fieldBytes(fieldOf(match), packet, receivedAt, options))
      at += match[0].length
    } else if (character === '@' && next !== undefined) {
      parts.push(Buffer.from(timePart(next, receivedAt)))
      at += 2
    } else if (character === '\\' && next !== undefined) {
      parts.push(Buffer.from(ESCAPES[next] ?? ''))
      at += 2
    } else {
      const end = format.slice(at + 1).search(/[%@\\]/)
      const stop = end < 0 ? format.length : at + 1 + end
      parts.push(Buffer.from(format.slice(at, stop)))
      at = stop
    }
  }
  return Buffer.concat(parts)
}

const fieldOf = ([, flags = '', width = '', precision, letter = '']: RegExpExecArray): Field => ({
  letter,
  isLeft: flags.includes('-'),
  isZeroFilled: flags.includes('0'),
  width: Number(width),
  precision: precision === undefined ? Number.POSITIVE_INFINITY : Number(precision),
})

function fieldBytes(
  field: Field,
  packet: IPublishPacket,
  receivedAt: number,
  options: FormatOptions,
): Buffer {
  const payload = Buffer.from(packet.payload)
  switch (field.letter) {
    case '%':
      return Buffer.from('%')
    case 'p':
      return padded(field.width > 0 ? payload.subarray(0, field.width) : payload, field)
    case 'x':
      return padded(Buffer.from(hexOf(payload, field)), field)
    case 'X':
      return padded(Buffer.from(hexOf(payload, field).toUpperCase()), field)
    case 'j':
      return Buffer.from(jsonOf(packet, payload.toString('utf8'), receivedAt, options))
    case 'J':
      return Buffer.from(jsonOf(packet, parsed(payload, packet.topic), receivedAt, options))
    case 'q':
      return Buffer.from(String(packet.qos))
    case 'r':
      return Buffer.from(packet.retain ? '1' : '0')
    case 'P':
      return Buffer.from(userPropertiesText(packet))
    default: {
      const text = Buffer.from(textOf(field.letter, packet, receivedAt))
      // What the message does not have is not filled up to a width, but for its content type.
      if (text.length === 0 && field.letter !== 'C') return text
      return padded(text.subarray(0, field.precision), field)
    }
  }
}

/** A width cuts the payload, and then what of it fits in hex: so does mosquitto_sub. */
function hexOf(payload: Buffer, { width }: Field): string {
  const shown = width === 0 ? payload : payload.subarray(0, Math.floor(Math.min(payload.length, width) / 2))
  return shown.toString('hex')
}

function padded(bytes: Buffer, { isLeft, isZeroFilled, width }: Field): Buffer {
  if (bytes.length >= width) return bytes
  const filling = Buffer.alloc(width - bytes.length, isZeroFilled && !isLeft ? '0' : ' ')
  return Buffer.concat(isLeft ? [bytes, filling] : [filling, bytes])
}

function textOf(letter: string, packet: IPublishPacket, receivedAt: number): string {
  const { topic, messageId = 0, payload, properties = {} } = packet
  const texts: Readonly<Record<string, () => unknown>> = {
    t: () => topic,
    l: () => Buffer.from(payload).length,
    m: () => messageId,
    A: () => properties.topicAlias,
    C: () => properties.contentType,
    D: () => properties.correlationData,
    E: () => properties.messageExpiryInterval,
    F: () =>
      properties.payloadFormatIndicator === undefined ? '' : Number(properties.payloadFormatIndicator),
    R: () => properties.responseTopic,
    S: () => subscriptionIdentifiers(packet).join(' '),
    I: () => `${timePart('F', receivedAt)}T${timePart('T', receivedAt)}${timePart('z', receivedAt)}`,
    U: () => `${Math.floor(receivedAt / 1000)}.${timePart('N', receivedAt)}`,
  }
  return String(texts[letter]?.() ?? '')
}

function userProperties({ properties }: IPublishPacket): [string, string][] {
  return Object.entries(properties?.userProperties ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each): [string, string] => [name, each]),
  )
}

const userPropertiesText = (packet: IPublishPacket): string =>
  userProperties(packet)
    .map(([name, value]) => `${name}:${value}`)
    .join(' ')

function subscriptionIdentifiers({ properties }: IPublishPacket): number[] {
  const identifiers = properties?.subscriptionIdentifier ?? []
  return Array.isArray(identifiers) ? identifiers : [identifiers]
}

function parsed(payload: Buffer, topic: string): unknown {
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    throw new NotJson(`Error: Message payload is not valid JSON on topic ${topic}.`)
  }
}

/** %J of a payload that is none. */
export class NotJson extends Error {}

/** In the order and with the names of mosquitto_sub. */
function jsonOf(
  packet: IPublishPacket,
  payload: unknown,
  receivedAt: number,
  { isPretty }: FormatOptions,
): string {
  const { topic, qos, retain, messageId, properties = {} } = packet
  const seconds = timePart('N', receivedAt).slice(0, 6)
  const told = {
    ...(properties.payloadFormatIndicator !== undefined && {
      'payload-format-indicator': Number(properties.payloadFormatIndicator),
    }),
    ...(properties.messageExpiryInterval !== undefined && {
      'message-expiry-interval': properties.messageExpiryInterval,
    }),
    ...(properties.contentType !== undefined && { 'content-type': properties.contentType }),
    ...(properties.responseTopic !== undefined && { 'response-topic': properties.responseTopic }),
    ...(properties.correlationData !== undefined && {
      'correlation-data': properties.correlationData.toString('utf8'),
    }),
    ...(properties.topicAlias !== undefined && { 'topic-alias': properties.topicAlias }),
    ...(properties.userProperties !== undefined && {
      'user-properties': Object.fromEntries(userProperties(packet)),
    }),
    ...(properties.subscriptionIdentifier !== undefined && {
      'subscription-identifier': subscriptionIdentifiers(packet)[0],
    }),
  }
  const whole = {
    tst: `${timePart('F', receivedAt)}T${timePart('T', receivedAt)}.${seconds}Z${timePart('z', receivedAt)}`,
    topic,
    qos,
    retain: retain ? 1 : 0,
    payloadlen: Buffer.from(packet.payload).length,
    ...(qos > 0 && { mid: messageId }),
    ...(Object.keys(told).length > 0 && { properties: told }),
    payload,
  }
  if (!isPretty) return JSON.stringify(whole)
  // A tab behind each name, as it writes them.
  return JSON.stringify(whole, undefined, '\t').replace(/^(\t*"(?:[^"\\]|\\.)*"): /gm, '$1:\t')
}

const two = (value: number): string => String(value).padStart(2, '0')
const WEEK = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const YEAR = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** The conversions of strftime that people use, in the C locale and local time; N: nanoseconds. */
function timePart(letter: string, receivedAt: number): string {
  const date = new Date(receivedAt)
  const offset = -date.getTimezoneOffset()
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    e: () => String(date.getDate()).padStart(2, ' '),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    N: () => String(Math.floor((receivedAt % 1000) * 1e6)).padStart(9, '0'),
    z: () =>
      `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`,
    s: () => String(Math.floor(receivedAt / 1000)),
    a: () => WEEK[date.getDay()]?.slice(0, 3) ?? '',
    A: () => WEEK[date.getDay()] ?? '',
    b: () => YEAR[date.getMonth()]?.slice(0, 3) ?? '',
    B: () => YEAR[date.getMonth()] ?? '',
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    j: () => String(Math.floor((date.getTime() - new Date(date.getFullYear(), 0, 0).getTime()) / 86_400_000)),
    F: () => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    T: () => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
    '@': () => '@',
  }
  return parts[letter]?.() ?? ''
}
