// What the broker says of itself: retained messages under $SYS/broker, in Mosquitto's words. Nobody pays for them who
// does not read them: they are made when somebody subscribes below $SYS, and again while somebody is subscribed.
import { isDeepStrictEqual } from 'node:util'
import type { WheelTask } from '../base/timer-wheel.ts'
import { NEVER } from '../packet/message.ts'
import { createMessage } from '../packet/publish.ts'
import { DropReason } from '../session/drops.ts'
import type { Core } from './core.ts'
import { LoopDelay } from './loop-delay.ts'

export const SYSTEM_PREFIX = '$SYS/'
/** Never stored: at the next start there is something else to say. */
export const OWN_PREFIX = '$SYS/broker/'
const NO_PROPERTIES = Buffer.alloc(0)

export class SystemTopics implements WheelTask {
  dueAt = 0
  readonly #core: Core
  readonly #intervalMs: number
  readonly #startedAt: number
  readonly #loopDelay = new LoopDelay()
  #isRunning = false
  #told = new Map<string, string>()

  /** `intervalSeconds` 0: it says nothing. */
  constructor(core: Core, intervalSeconds: number) {
    this.#core = core
    this.#intervalMs = intervalSeconds * 1000
    this.#startedAt = core.now()
  }

  /** Somebody is about to subscribe; `plainFilter` is without a share. */
  awaited(plainFilter: string): void {
    if (this.#intervalMs === 0 || !plainFilter.startsWith('$SYS')) return
    this.#tell()
    if (!this.#isRunning) this.#schedule()
    this.#loopDelay.start()
  }

  close(): void {
    this.#loopDelay.stop()
  }

  expire(): void {
    this.#isRunning = false
    const { router } = this.#core
    if (![...this.#told.keys()].some((topicName) => router.hasInterest(topicName))) {
      return this.#loopDelay.stop()
    }
    this.#tell()
    this.#schedule()
  }

  #schedule(): void {
    this.#isRunning = true
    this.#core.wheel.schedule(this, this.#core.now() + this.#intervalMs)
  }

  /** What has changed since it was told. */
  #tell(): void {
    const told = this.#values()
    if (isDeepStrictEqual(told, this.#told)) return
    for (const [topicName, value] of told) {
      if (this.#told.get(topicName) !== value) this.#publish(topicName, value)
    }
    this.#told = told
  }

  #publish(topicName: string, value: string): void {
    const { router, limits } = this.#core
    const retain = limits.retainedMessagesMax > 0
    const payload = Buffer.from(value)
    const parts = { topicName, payload, retain, expiresAt: NEVER, properties: NO_PROPERTIES }
    router.publish(createMessage({ ...parts, qos: 0 }), undefined)
  }

  #values(): Map<string, string> {
    const { sessions, links, retained, router, drops, totals, now } = this.#core
    const connected = [...links].filter(({ phase }) => phase === 'connected').length
    const { mean, p99, max } = this.#loopDelay.take()
    const figures: [string, number | string][] = [
      ['uptime', `${Math.floor((now() - this.#startedAt) / 1000)} seconds`],
      ['clients/total', sessions.count],
      ['clients/connected', connected],
      ['clients/disconnected', sessions.count - connected],
      ['subscriptions/count', router.subscriptionCount],
      ['retained messages/count', retained.count],
      ['store/messages/count', totals.messages],
      ['store/messages/bytes', totals.bytes],
      ['loop/delay/mean', mean],
      ['loop/delay/p99', p99],
      ['loop/delay/max', max],
      ['publish/messages/dropped', drops.total],
    ]
    for (const reason of Object.values(DropReason)) {
      figures.push([`publish/messages/dropped/${reason}`, drops.of(reason)])
    }
    return new Map(figures.map(([name, value]) => [OWN_PREFIX + name, String(value)]))
  }
}
