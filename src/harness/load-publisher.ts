// Sends the messages of one client: at a rate, counted from when each should have gone out, or as fast as its window
// lets it. generator.ts has it look at the time; load-client.ts tells it of acknowledgements.
//
//   due       0 1 2 3 4 5 . .     by the clock: message k at startAt + k / rate; without a rate all are due
//   sent      0 1 2 3 . . . .     held up by the window or the socket; its stamp says when it was due all the same,
//   in flight     2 3             so that a broker that stalls can't hide it (no coordinated omission)
import type { Qos } from '../packet/protocol.ts'
import { reasonName } from '../packet/reason-codes.ts'
import type { LoadClient } from './load-client.ts'
import type { LoadCounter } from './load-figures.ts'
import { dependsOnMessage, fillInSequence } from './placeholders.ts'
import type { PublishPlan } from './run-plan.ts'
import { STAMP_BYTES, StampedPublish } from './stamped-publish.ts'

const PACKET_IDS = 65_535
/** Without a rate: what goes out in one turn, so that reading comes to its own. */
const BURST = 256
/** A topic for each message takes a frame for each. */
const FRAMES_MAX = 4_096

export interface Publisher {
  readonly client: LoadClient
  /** Its number, in the stamps. */
  readonly number: number
  /** Of its topic only %s is left to be filled in. */
  readonly plan: PublishPlan
  readonly counter: LoadCounter
  /** Its messages at QoS 0 come back to a receiver of this process: its window counts them. */
  readonly seesArrivals: boolean
}

export class LoadPublisher {
  readonly #publisher: Publisher
  readonly #qos: Qos
  readonly #topic: string
  readonly #hasOneTopic: boolean
  readonly #frames = new Map<string, StampedPublish>()
  readonly #payload: Buffer
  readonly #inFlightMax: number
  /** When those in flight were due, by packet id modulo its length. */
  readonly #dueTimes: Float64Array
  #startAt = 0
  #period = 0
  #isStopped = true
  #sequence = 0
  #inFlight = 0
  #packetId = 0

  constructor(publisher: Publisher) {
    this.#publisher = publisher
    const { plan } = publisher
    this.#qos = plan.qos
    this.#topic = plan.topic
    this.#hasOneTopic = !dependsOnMessage(this.#topic)
    this.#payload = payloadOf(plan)
    this.#inFlightMax = Math.min(plan.inFlight, PACKET_IDS - 1)
    this.#dueTimes = new Float64Array(plan.qos > 0 ? this.#inFlightMax : 0)
  }

  get sent(): number {
    return this.#sequence
  }

  /** Nothing is to be sent any more, and nothing is in flight. */
  get isDone(): boolean {
    const { plan, client } = this.#publisher
    if (!client.isConnected) return true
    const hasSentAll = this.#isStopped || (plan.messages > 0 && this.#sequence >= plan.messages)
    return hasSentAll && this.#inFlight === 0
  }

  /** From when on, and how often, in microseconds; 0: always. */
  start(startAt: number, period: number): void {
    this.#period = period
    this.#startAt = startAt
    this.#isStopped = false
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Sends what is due and has room. */
  pump(now: number): void {
    const { client, plan } = this.#publisher
    for (let burst = 0; burst < BURST && !this.#isStopped; burst++) {
      const dueAt = this.#period > 0 ? this.#startAt + this.#sequence * this.#period : now
      const isLast = plan.messages > 0 && this.#sequence >= plan.messages
      if (isLast || dueAt > now || this.#isWindowFull || !client.isWritable) return
      this.#send(dueAt)
    }
  }

  /** What nobody acknowledges is not in flight. */
  get #isWindowFull(): boolean {
    return this.#inFlight >= this.#inFlightMax
  }

  #send(dueAt: number): void {
    const { client, counter, number, seesArrivals } = this.#publisher
    if (this.#qos > 0) {
      this.#packetId = (this.#packetId % PACKET_IDS) + 1
      this.#dueTimes[this.#packetId % this.#dueTimes.length] = dueAt
    }
    const frame = this.#frameFor(this.#sequence)
    for (const piece of frame.stamp(this.#packetId, dueAt, number, this.#sequence)) client.send(piece)
    this.#sequence++
    if (this.#qos > 0 || seesArrivals) this.#inFlight++
    counter.sent++
  }

  #frameFor(sequence: number): StampedPublish {
    const topicName = this.#hasOneTopic ? this.#topic : fillInSequence(this.#topic, sequence)
    const known = this.#frames.get(topicName)
    if (known !== undefined) return known
    const { plan, client } = this.#publisher
    const { qos, retain } = plan
    const { version } = client.settings
    const made = new StampedPublish({ topicName, payload: this.#payload, qos, retain, version })
    if (this.#frames.size < FRAMES_MAX) this.#frames.set(topicName, made)
    return made
  }

  acknowledged(packetId: number, reasonCode: number, now: number): void {
    const { counter } = this.#publisher
    this.#inFlight--
    if (reasonCode >= 0x80) counter.refused(`PUBLISH: ${reasonName(reasonCode)}`)
    else counter.acknowledged++
    counter.acknowledgement.record(now - (this.#dueTimes[packetId % this.#dueTimes.length] as number))
    this.pump(now)
  }

  /** One of its messages at QoS 0 has come back. */
  arrived(now: number): void {
    if (this.#qos > 0 || this.#inFlight === 0) return
    this.#inFlight--
    this.pump(now)
  }
}

function payloadOf({ payloadBytes, payload }: PublishPlan): Buffer {
  const bytes = Buffer.alloc(payloadBytes, 'godwit ')
  const content = Buffer.from(payload ?? '', 'base64')
  if (content.length > 0) bytes.fill(content, Math.min(STAMP_BYTES, payloadBytes))
  return bytes
}
