// The rules of a correct broker, by name: model.ts and its parts say where each is broken. From here to the trace that
// shrink.ts prints, a failure goes by the name of its rule.

export const RULES = {
  'at least once': 'a QoS 1 or 2 message reaches every session with a matching subscription',
  'at most once': 'a QoS 0 message reaches those who are connected once, however many subscriptions match',
  'exactly once': 'a QoS 2 message arrives once, whatever connections end on the way',
  'lower QoS': 'a message arrives at the lower of its QoS and that of the subscription',
  order: 'messages of one publisher to one topic arrive in the order in which they were published',
  redelivery: 'what was in flight goes out again after a resume, in its order, and at no other time',
  DUP: 'a repeat says that it is one, and nothing else does',
  'packet id': 'a packet id in flight means one message until that is finished',
  'receive maximum': 'never more unacknowledged than the client allowed',
  release: 'PUBREC is answered by PUBREL, and the PUBLISH is not sent again',
  acknowledgement: 'every request of a client is answered once, in order, and truly',
  retained: 'a new subscription is given what is retained, as its retain handling says',
  'retain flag': 'set on what was retained, and on what passes by only if the subscription asks for it',
  'no local': 'what a client published does not come back to its No Local subscription',
  'shared subscription': 'each message goes to one member of a share, who need not be this one',
  'subscription identifier': 'a message names the subscriptions that it matches, and no others',
  unsubscribed: 'without a matching subscription nothing new arrives',
  will: 'a will is published unless the client took leave, or came back before its delay',
  'clean start': 'a clean start forgets the session, any other finds it',
  'session expiry': 'a session lives until its expiry, and then all of it ends',
  'take-over': 'of two connections with one client id the older ends',
  'message expiry': 'an expired message is not sent, and one that is says how long it has left',
  liveness: 'a connection that breaks no rule, and is not silent for too long, is kept and served',
} as const
export type Rule = keyof typeof RULES

/** Something happened that no correct broker does. */
export class Breach extends Error {
  readonly rule: Rule

  constructor(rule: Rule, what: string) {
    super(`${rule}: ${what}`)
    this.name = 'Breach'
    this.rule = rule
  }
}

export function breach(rule: Rule, what: string): never {
  throw new Breach(rule, what)
}
