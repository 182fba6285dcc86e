// The keys of aedes-persistence-level 8 and 9: text, a prefix for each kind, in which client ids are URI-encoded.
// Used by database.ts and session-reader.ts.
//
//   subscriptions:<client id>:<topic filter>      incoming:<client id>:<packet id, 16 digits>
//   outgoing:<client id>:<broker id>:<counter, 16 digits>      outgoing-id:<client id>:<packet id, 16 digits>
//   retained:<topic name>      will:<client id>

export const Kind = {
  Incoming: 'incoming:',
  OutgoingId: 'outgoing-id:',
  Outgoing: 'outgoing:',
  Retained: 'retained:',
  Subscriptions: 'subscriptions:',
  Will: 'will:',
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]
/** In the order of their keys. */
export const KINDS: readonly Kind[] = Object.values(Kind)

/** Half-open: [gte, lt). Absent: from the first, to the last. */
export interface TextRange {
  readonly gte?: string
  readonly lt?: string
}

/** Of all keys that begin with `prefix`, which ends with a colon. */
export const rangeOf = (prefix: string): TextRange => ({ gte: prefix, lt: endOf(prefix) })

/** A semicolon is the character after the colon. */
export const endOf = (prefix: string): string => `${prefix.slice(0, -1)};`

export const clientPrefix = (kind: Kind, clientId: string): string =>
  `${kind}${encodeURIComponent(clientId)}:`

/** Undefined: it is none that Aedes writes. */
export function clientIdOfKey(kind: Kind, key: string): string | undefined {
  const end = key.indexOf(':', kind.length)
  try {
    return decodeURIComponent(key.slice(kind.length, end === -1 ? undefined : end))
  } catch {
    return undefined
  }
}

/** NaN: it has none. */
export const packetIdOfKey = (key: string): number => Number(key.slice(key.lastIndexOf(':') + 1))

export const outgoingKey = (clientId: string, brokerId: string, counter: number): string =>
  `${clientPrefix(Kind.Outgoing, clientId)}${brokerId}:${String(counter).padStart(16, '0')}`
