// Brokers that are wrong in one way each, made from ours by replacing a method for as long as a test needs it: the
// simulation must find each of them out.
import { Router } from '../../src/broker/router.ts'
import { SessionRegistry } from '../../src/broker/session-registry.ts'
import { Wills } from '../../src/broker/wills.ts'
import { PacketType } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { Inbound } from '../../src/session/inbound.ts'
import { Outbound } from '../../src/session/outbound.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { SubscriptionTrie } from '../../src/topic/subscription-trie.ts'
import { Connection } from '../../src/transport/connection.ts'
import type { StoreKind } from './host.ts'
import type { Rule } from './rules.ts'

export interface Sabotage {
  readonly title: string
  readonly store: StoreKind
  /** It may show as any of these. */
  readonly rules: readonly Rule[]
  /** Returns what puts everything right again. */
  readonly begin: () => () => void
}

/** `make` gets the right method and returns the wrong one. */
export function replace<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (right: Target[Name]) => Target[Name],
): () => void {
  const right = target[name]
  target[name] = make(right)
  return () => {
    target[name] = right
  }
}

function deliverTwiceOnResume(): () => void {
  const latest = new WeakMap<Outbound, Parameters<Outbound['push']>>()
  const undoPush = replace(
    Outbound.prototype,
    'push',
    (push) =>
      function (this: Outbound, ...message) {
        latest.set(this, message)
        return push.apply(this, message)
      },
  )
  const undoAttach = replace(
    Outbound.prototype,
    'attach',
    (attach) =>
      function (this: Outbound, ...connection) {
        attach.apply(this, connection)
        const message = latest.get(this)
        if (message !== undefined) this.push(...message)
      },
  )
  return () => {
    undoPush()
    undoAttach()
  }
}

/** What clients send in one turn is passed on from the last to the first. */
function publishBackwards(): () => void {
  const waiting: (() => void)[] = []
  return replace(
    Router.prototype,
    'publish',
    (publish) =>
      function (this: Router, ...message) {
        if (message[1] === undefined) return publish.apply(this, message)
        message[0].own()
        if (waiting.push(() => publish.apply(this, message)) === 1) {
          setImmediate(() => {
            for (const each of waiting.splice(0).reverse()) each()
          })
        }
        return ReasonCode.Success
      },
  )
}

export const SABOTAGES: readonly Sabotage[] = [
  {
    title: 'gives the latest message again after a resume',
    store: 'memory',
    rules: ['redelivery', 'exactly once', 'at most once', 'shared subscription', 'retained', 'will'],
    begin: deliverTwiceOnResume,
  },
  {
    title: 'forgets DUP on what it sends again',
    store: 'memory',
    rules: ['DUP'],
    begin: () =>
      replace(
        Connection.prototype,
        'deliver',
        (deliver) =>
          function (this: Connection, message, fields) {
            fields.dup = false
            return deliver.call(this, message, fields)
          },
      ),
  },
  {
    title: 'passes the messages of one turn on in the wrong order',
    store: 'memory',
    rules: ['order'],
    begin: publishBackwards,
  },
  {
    title: 'leaves the retain flag as it was published',
    store: 'memory',
    rules: ['retain flag'],
    begin: () =>
      replace(
        Connection.prototype,
        'deliver',
        (deliver) =>
          function (this: Connection, message, fields) {
            fields.retain = message.retain
            return deliver.call(this, message, fields)
          },
      ),
  },
  {
    title: 'publishes the will of a client that took leave',
    store: 'memory',
    rules: ['will'],
    begin: () => replace(Wills.prototype, 'discard', () => Wills.prototype.publish),
  },
  {
    title: 'takes a repeated QoS 2 message for a new one',
    store: 'memory',
    rules: ['exactly once', 'acknowledgement', 'redelivery', 'at most once', 'shared subscription'],
    begin: () => replace(Inbound.prototype, 'has', () => () => false),
  },
  {
    title: 'sends more than the receive maximum',
    store: 'memory',
    rules: ['receive maximum'],
    begin: () =>
      replace(
        Outbound.prototype,
        'attach',
        (attach) =>
          function (this: Outbound, sink, receiveMaximum) {
            attach.call(this, sink, receiveMaximum + 1)
          },
      ),
  },
  {
    title: 'gives a shared subscription to all members',
    store: 'memory',
    rules: ['shared subscription', 'redelivery', 'at most once', 'exactly once', 'subscription identifier'],
    begin: () =>
      replace(
        SubscriptionTrie.prototype,
        'addShared',
        () =>
          function (this: SubscriptionTrie<object, object>, _shareName, filter, subscriber, subscription) {
            return this.add(filter, subscriber, subscription)
          },
      ),
  },
  {
    title: 'keeps delivering after UNSUBSCRIBE',
    store: 'memory',
    rules: ['unsubscribed', 'subscription identifier', 'lower QoS', 'retain flag'],
    begin: () => replace(Router.prototype, 'unsubscribe', () => () => {}),
  },
  {
    title: 'gives a publisher what it does not want to hear of itself',
    store: 'memory',
    rules: ['no local', 'subscription identifier', 'lower QoS', 'retain flag'],
    begin: () =>
      replace(
        Router.prototype,
        'publish',
        (publish) =>
          function (this: Router, message) {
            return publish.call(this, message, undefined)
          },
      ),
  },
  {
    title: 'does not answer PUBREC',
    store: 'memory',
    rules: ['release'],
    begin: () =>
      replace(
        Connection.prototype,
        'acknowledge',
        (acknowledge) =>
          function (this: Connection, type, packetId, reasonCode) {
            if (type !== PacketType.Pubrel) acknowledge.call(this, type, packetId, reasonCode)
          },
      ),
  },
  {
    title: 'finds the old session at a clean start',
    store: 'memory',
    rules: ['clean start'],
    begin: () =>
      replace(
        SessionRegistry.prototype,
        'open',
        (open) =>
          function (this: SessionRegistry, link, request) {
            return open.call(this, link, { ...request, cleanStart: false })
          },
      ),
  },
  {
    title: 'forgets subscriptions over a restart',
    store: 'level',
    rules: ['at least once', 'at most once', 'retained', 'will', 'shared subscription', 'acknowledgement'],
    begin: () => replace(LevelStore.prototype, 'putSubscription', () => () => {}),
  },
]
