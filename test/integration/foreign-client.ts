// What the scenarios ask of a client by others; one adapter for each: mqttjs-foreign.ts, mosquitto-foreign.ts and
// paho-foreign.ts. None of them uses a line of our codec.

/** As on the wire: 4 is 3.1.1, 5 is 5.0. */
export type ForeignVersion = 4 | 5
export type Qos = 0 | 1 | 2

/** 5.0 only. */
export interface ForeignProperties {
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: string
  readonly messageExpiryInterval?: number
  readonly topicAlias?: number
  /** In their order; a name may come twice. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[]
}

export interface ForeignMessage {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: ForeignProperties
}

export interface ForeignConnectOptions {
  readonly version: ForeignVersion
  readonly clientId: string
  readonly cleanStart: boolean
  /** Seconds, 5.0 only. */
  readonly sessionExpiryInterval: number
  readonly will: ForeignMessage | undefined
  /** Subscribed to as soon as it is connected, in one SUBSCRIBE: mosquitto_sub knows no later moment. */
  readonly topicFilters: readonly string[]
  readonly maximumQos: Qos
}

export interface ForeignClient {
  /** What CONNACK said; undefined where the client keeps it to itself. */
  readonly sessionPresent: boolean | undefined
  /** What SUBACK said, for each topic filter. */
  readonly subackCodes: readonly number[]
  /** Resolves with the reason code when the message is acknowledged, at QoS 0 when it is written. */
  publish(message: ForeignMessage): Promise<number>
  /** The payloads, one message each: the first with topic name and alias, the others with the alias alone. */
  publishUnderAlias(message: ForeignMessage, payloads: readonly string[]): Promise<void>
  /** The next message that it hands over; rejects when it ends before. */
  next(): Promise<ForeignMessage>
  /** Says farewell. */
  disconnect(): Promise<void>
  /** Vanishes without a word. */
  drop(): Promise<void>
}

export interface ForeignClientKind {
  readonly name: string
  /** What brings it, as a Debian package or as ours. */
  readonly package: string
  /** Whether it tells that a session was there. */
  readonly tellsSessionPresent: boolean
  /** Which reason codes of a PUBACK it tells. */
  readonly tellsPubackCodes: 'all' | 'refusals' | 'none'
  isInstalled(): boolean
  /** Once, before any test; what it makes goes into the folder. */
  prepare(folder: string): Promise<void>
  /** Resolves when it is connected and subscribed; rejects with ConnectRefused. */
  connect(port: number, options: ForeignConnectOptions, whenOver: WhenOver): Promise<ForeignClient>
}

/** Takes what is to be done when the test is over: `onTestFinished`, which tests side by side have one each of. */
export type WhenOver = (cleanUp: () => void | Promise<void>) => void

export class ConnectRefused extends Error {
  readonly reasonCode: number

  constructor(reasonCode: number) {
    super(`CONNACK with 0x${reasonCode.toString(16)}`)
    this.reasonCode = reasonCode
  }
}

/** What has come and was not asked for yet, or the one who waits for it. */
export class Arrivals<T> {
  readonly #arrived: T[] = []
  #waiting: { resolve(item: T): void; reject(error: Error): void } | undefined
  #end: Error | undefined

  push(item: T): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) this.#arrived.push(item)
    else waiting.resolve(item)
  }

  /** Nothing more will come. */
  end(why: Error): void {
    this.#end ??= why
    this.#waiting?.reject(why)
  }

  async next(): Promise<T> {
    if (this.#arrived.length > 0) return this.#arrived.shift() as T
    if (this.#end !== undefined) throw this.#end
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }
}
