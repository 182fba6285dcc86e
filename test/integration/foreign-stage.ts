// Where a scenario plays: a broker with a store, and a client of one kind under one version that comes and goes.
import type { ConfigInput } from '../../src/index.ts'
import {
  Arrivals,
  type ForeignClient,
  type ForeignClientKind,
  type ForeignConnectOptions,
  type ForeignMessage,
  type ForeignVersion,
  type WhenOver,
} from './foreign-client.ts'
import { serveBroker } from './served-broker.ts'

/** Who comes back within it gets its session. */
const SESSION_EXPIRY_SECONDS = 3_600

export interface Actor {
  readonly kind: ForeignClientKind
  readonly version: ForeignVersion
}

export type StageConfig = Pick<ConfigInput, 'allowAnonymous' | 'limits'>

export interface StageSettings {
  /** For the store. */
  readonly path: string
  readonly whenOver: WhenOver
  readonly config?: StageConfig
}

/** What all actors of one stage share. */
interface Ground {
  readonly port: number
  readonly whenOver: WhenOver
  readonly departures: Map<string, Arrivals<void>>
}

export class Stage {
  readonly kind: ForeignClientKind
  readonly version: ForeignVersion
  readonly #ground: Ground

  private constructor({ kind, version }: Actor, ground: Ground) {
    this.kind = kind
    this.version = version
    this.#ground = ground
  }

  static async open(actor: Actor, { path, whenOver, config }: StageSettings): Promise<Stage> {
    const { broker, port } = await serveBroker({ ...config, persistence: { path } }, whenOver)
    const stage = new Stage(actor, { port, whenOver, departures: new Map() })
    broker.on('disconnected', ({ clientId }) => stage.#departuresOf(clientId).push())
    return stage
  }

  get port(): number {
    return this.#ground.port
  }

  /** The same stage for another kind of client. */
  as(actor: Actor): Stage {
    return new Stage(actor, this.#ground)
  }

  /** A new session that ends with its connection, unless the options say otherwise. */
  join(clientId: string, options: Partial<ForeignConnectOptions> = {}): Promise<ForeignClient> {
    const asked: ForeignConnectOptions = {
      version: this.version,
      clientId,
      cleanStart: true,
      sessionExpiryInterval: 0,
      will: undefined,
      topicFilters: [],
      maximumQos: 2,
      ...options,
    }
    return this.kind.connect(this.#ground.port, asked, this.#ground.whenOver)
  }

  /** Back to the session there is, or to a new one that will be kept. */
  rejoin(clientId: string, options: Partial<ForeignConnectOptions> = {}): Promise<ForeignClient> {
    const kept = { cleanStart: false, sessionExpiryInterval: SESSION_EXPIRY_SECONDS }
    return this.join(clientId, { ...kept, ...options })
  }

  /** Resolves when the broker, too, knows that a connection of the client has ended; once for each. */
  departed(clientId: string): Promise<void> {
    return this.#departuresOf(clientId).next()
  }

  #departuresOf(clientId: string): Arrivals<void> {
    const { departures } = this.#ground
    const those = departures.get(clientId) ?? new Arrivals<void>()
    departures.set(clientId, those)
    return those
  }
}

export function messageOf(
  topicName: string,
  text: string | Buffer,
  others: Partial<ForeignMessage> = {},
): ForeignMessage {
  return { topicName, payload: Buffer.from(text), qos: 1, retain: false, properties: {}, ...others }
}

export const textOf = ({ payload }: ForeignMessage): string => payload.toString()
