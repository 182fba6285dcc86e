// Clients that keep coming while the broker is killed, each with a new session and a new subscription: what was
// answered with CONNACK and SUBACK must be there afterwards. Driven by trial.ts.
import { WireClient } from '../integration/wire-client.ts'

const NEWCOMERS_MAX = 300

interface Newcomer {
  readonly clientId: string
  readonly admittedAt: number
  /** Infinity: not yet. */
  subscribedAt: number
}

export interface NewcomersLost {
  readonly checked: number
  readonly sessions: number
  readonly subscriptions: number
}

export class Newcomers {
  readonly #admitted: Newcomer[] = []
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** One after the other until the broker is gone. */
  async come(port: number): Promise<void> {
    for (let i = 0; i < NEWCOMERS_MAX; i++) {
      const clientId = `${this.#prefix}-${i}`
      try {
        const client = await joinAs(port, clientId)
        const newcomer = { clientId, admittedAt: performance.now(), subscribedAt: Number.POSITIVE_INFINITY }
        this.#admitted.push(newcomer)
        client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: clientId, qos: 1 }] })
        await client.receive('suback')
        newcomer.subscribedAt = performance.now()
        await client.end()
      } catch {
        return
      }
    }
  }

  /** Each comes back, sends itself a message, and ends its session. What was there by `keptUntil` must be there. */
  async check(port: number, keptUntil: number): Promise<NewcomersLost> {
    let checked = 0
    let sessions = 0
    let subscriptions = 0
    for (const { clientId, admittedAt, subscribedAt } of this.#admitted) {
      const client = await joinAs(port, clientId)
      const isSubscribed = subscribedAt < Number.POSITIVE_INFINITY && subscribedAt <= keptUntil
      if (admittedAt <= keptUntil) {
        checked++
        if (!client.connack.sessionPresent) sessions++
        else if (isSubscribed && !(await receivesFromItself(client, clientId))) subscriptions++
      }
      await client.end({ sessionExpiryInterval: 0 })
    }
    return { checked, sessions, subscriptions }
  }
}

const joinAs = (port: number, clientId: string): Promise<WireClient> =>
  WireClient.connect(port, {
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
  })

async function receivesFromItself(client: WireClient, topic: string): Promise<boolean> {
  let hasReceived = false
  const isAcknowledged = new Promise<void>((resolve) => {
    client.handle((packet) => {
      if (packet.cmd === 'publish') hasReceived = true
      if (packet.cmd === 'pingresp') resolve()
      // Nothing else can be on its way to it once its own message is acknowledged and a PINGREQ answered.
      if (packet.cmd === 'puback') client.send({ cmd: 'pingreq' })
    })
  })
  client.send({
    cmd: 'publish',
    topic,
    payload: 'to myself',
    qos: 1,
    messageId: 2,
    dup: false,
    retain: false,
  })
  await isAcknowledged
  return hasReceived
}
