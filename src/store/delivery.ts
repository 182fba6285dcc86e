// One message on its way to one session: an element of the session's queue, in memory and on disk.
//
//   waiting -> done                            QoS 0, for who is away: sent once
//   waiting -> sent -> done                    QoS 1: PUBACK
//   waiting -> sent -> released -> done        QoS 2: PUBREC, PUBCOMP
//   lost -> done                               what the disk had of it cannot be read
//
// The session moves `state`; the store moves `written` and never looks at a message that is done before
// its batch is cut: put and delete have cancelled each other in memory.
import type { Message } from '../packet/message.ts'
import type { Qos } from '../packet/protocol.ts'

export const DeliveryState = { Waiting: 0, Sent: 1, Released: 2, Done: 3, Lost: 4 } as const
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState]

export class Delivery {
  readonly sequence: number
  readonly qos: Qos
  /** The RETAIN flag to send: set for a retained message, or when the subscription says Retain As Published. */
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[] | undefined
  /** The shared subscription that it came through, as a topic filter: another member may have it. Empty: none. */
  readonly share: string
  /** Undefined once the receiver has it (released or done), or nobody has it (lost). */
  message: Message | undefined
  state: DeliveryState = DeliveryState.Waiting
  /** Number of the batch that holds it; 0 for one that is never written. Set by the store alone. */
  batch = 0
  /** The batch was cut with this delivery in it: a delete is needed to be rid of it. Set by the store alone. */
  isWritten = false
  /** Id of the stored body that its row refers to; 0: none, or it lies in the row itself. Set by the store alone. */
  storedId = 0

  constructor(
    sequence: number,
    message: Message | undefined,
    qos: Qos,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    share = '',
  ) {
    this.sequence = sequence
    this.message = message
    this.qos = qos
    this.retain = retain
    this.subscriptionIdentifiers = subscriptionIdentifiers
    this.share = share
  }
}

/** In the place of one that cannot be read. `isSetAside`: its row may go. */
export function lostDelivery(sequence: number, isSetAside: boolean): Delivery {
  const delivery = new Delivery(sequence, undefined, 1, false, undefined)
  delivery.state = DeliveryState.Lost
  delivery.isWritten = isSetAside
  return delivery
}
