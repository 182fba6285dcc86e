// What the tests put into a store, and how they look at what comes out of it. Stands on its own, for a child process.
import { type Message, NEVER } from '../../src/packet/message.ts'
import type { Qos } from '../../src/packet/protocol.ts'
import { createMessage } from '../../src/packet/publish.ts'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import type { SessionRecord, Store } from '../../src/store/store.ts'

export const sessionOf = (store: Store, clientId: string): SessionRecord => ({
  number: store.nextSessionNumber(),
  clientId,
  identity: `user of ${clientId}`,
  expiryInterval: 3_600,
  sentBefore: 0,
  expiresAt: Number.POSITIVE_INFINITY,
})

/** Numbers of so many new sessions with a row each: the queue of one without a row would be swept at the next open. */
export function putSessions(store: Store, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const session = sessionOf(store, `session ${i}`)
    store.putSession(session)
    return session.number
  })
}

/** The receiver has it, or it is dropped. */
export function finish(store: Store, sessionNumber: number, delivery: Delivery): void {
  delivery.state = DeliveryState.Done
  store.dequeue(sessionNumber, delivery)
  delivery.message = undefined
}

export const messageOf = (text: string, topicName = 'a/b', expiresAt = NEVER): Message =>
  createMessage({
    topicName,
    payload: Buffer.from(text),
    qos: 1,
    retain: false,
    expiresAt,
    properties: Buffer.from([0x03, 0, 1, 0x74]), // Content Type 't'
  })

export const deliveryOf = (sequence: number, message: Message | string, qos: 1 | 2 = 1): Delivery =>
  new Delivery(sequence, typeof message === 'string' ? messageOf(message) : message, qos, false, undefined)

/** All that can be seen of a message. */
export const describeMessage = (message: Message) => ({
  topicName: message.topicName,
  payload: message.payload.toString(),
  properties: message.properties.toString('hex'),
  qos: message.qos,
  retain: message.retain,
  sentBefore: 0,
  expiresAt: message.expiresAt,
  retainedAt: message.retainedAt,
  isV5: message.isV5,
  frame: message.bytes.toString('hex', message.start, message.start + message.length),
})

export interface DescribedDelivery {
  readonly sequence: number
  readonly qos: Qos
  readonly retain: boolean
  readonly identifiers: readonly number[] | undefined
  readonly share: string
  readonly state: DeliveryState
  readonly message: ReturnType<typeof describeMessage> | undefined
}

export const describeDelivery = (delivery: Delivery): DescribedDelivery => ({
  sequence: delivery.sequence,
  qos: delivery.qos,
  retain: delivery.retain,
  identifiers: delivery.subscriptionIdentifiers,
  share: delivery.share,
  state: delivery.state,
  message: delivery.message && describeMessage(delivery.message),
})

export const payloadsOf = (deliveries: Delivery[]): (string | undefined)[] =>
  deliveries.map((delivery) => delivery.message?.payload.toString())
