// The loads that have names: from what was asked for to a plan. Each says who publishes where, and how many should
// get it.

import type { Qos } from '../packet/protocol.ts'
import type { ClientGroup, PublishPlan, RunPlan, SubscribePlan, Target } from './run-plan.ts'

/** What the flags of `godwit bench` say, with their defaults filled in. */
export interface LoadOptions {
  readonly target: Target
  /** Publishers, or clients of the only kind there is. */
  readonly count: number
  /** Receivers, where both kinds are counted. */
  readonly receivers: number
  readonly connectRate: number
  readonly startNumber: number
  readonly prefix: string
  /** With placeholders; undefined: the scenario's own. */
  readonly topic: string | undefined
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
  readonly payload: string | undefined
  /** Messages a second of one publisher; 0: as fast as they go. */
  readonly rate: number
  readonly inFlight: number
  /** Of one publisher; 0: until the time is up. */
  readonly messages: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface Scenario {
  /** One line, for the help. */
  readonly summary: string
  readonly defaults: Partial<LoadOptions>
  readonly plan: (options: LoadOptions) => RunPlan
}

export const publishPlan = (options: LoadOptions, topic: string): PublishPlan => ({
  topic: options.topic ?? topic,
  qos: options.qos,
  retain: options.retain,
  payloadBytes: options.payloadBytes,
  payload: options.payload,
  rate: options.rate,
  inFlight: options.inFlight,
  messages: options.messages,
})

const subscribePlan = (options: LoadOptions, topic: string): SubscribePlan => ({
  topics: [options.topic ?? topic],
  qos: options.qos,
})

export const groupOf = (
  options: LoadOptions,
  name: string,
  count: number,
  rest: Partial<ClientGroup>,
): ClientGroup => ({
  name,
  count,
  clientId: `${options.prefix}_${name}_%i`,
  startNumber: options.startNumber,
  ...rest,
})

function planOf(options: LoadOptions, groups: readonly ClientGroup[], copies: number | undefined): RunPlan {
  const { target, connectRate, warmUpSeconds, seconds, messages } = options
  const publishes = groups.some(({ publish }) => publish !== undefined)
  return {
    target,
    groups,
    connectRate,
    warmUpSeconds: publishes ? warmUpSeconds : 0,
    seconds: messages > 0 ? 0 : seconds,
    copies,
  }
}

/** Receivers subscribe to what publishers publish, `fromAll`: of all of them. */
function flow(options: LoadOptions, topics: { publish: string; subscribe: string }, copies: number): RunPlan {
  const isPaired = options.qos === 0 && copies === 1
  const subscribe = { topics: [options.topic ?? topics.subscribe], qos: options.qos }
  return planOf(
    options,
    [
      groupOf(options, 'sub', options.receivers, { subscribe }),
      groupOf(options, 'pub', options.count, { publish: publishPlan(options, topics.publish), isPaired }),
    ],
    copies,
  )
}

const connections: Scenario = {
  summary: 'connect clients at a rate, and keep them',
  defaults: { count: 1_000, seconds: 5 },
  plan: (options) => planOf(options, [groupOf(options, 'conn', options.count, {})], undefined),
}

const flows = {
  pub: {
    summary: 'publishers alone, to any topic',
    defaults: { count: 100, rate: 1 },
    plan: (options) =>
      planOf(
        options,
        [groupOf(options, 'pub', options.count, { publish: publishPlan(options, 'bench/%i') })],
        undefined,
      ),
  },
  sub: {
    summary: 'subscribers alone, for what others publish',
    defaults: { count: 100, seconds: 60 },
    plan: (options) =>
      planOf(
        options,
        [groupOf(options, 'sub', options.count, { subscribe: subscribePlan(options, 'bench/%i') })],
        undefined,
      ),
  },
  pair: {
    summary: 'each publisher to a receiver of its own',
    defaults: { count: 10, rate: 0 },
    plan: (options) =>
      flow({ ...options, receivers: options.count }, { publish: 'pair/%i', subscribe: 'pair/%i' }, 1),
  },
  fanout: {
    summary: 'one publisher to all receivers',
    defaults: { count: 1, receivers: 200, rate: 0, inFlight: 10 },
    plan: (options) => flow(options, { publish: 'fanout', subscribe: 'fanout' }, options.receivers),
  },
  fanin: {
    summary: 'all publishers to one receiver',
    defaults: { count: 100, receivers: 1, rate: 0 },
    plan: (options) => flow(options, { publish: 'fanin/%i', subscribe: 'fanin/#' }, options.receivers),
  },
  shared: {
    summary: 'publishers to receivers that share the work',
    defaults: { count: 20, receivers: 10, rate: 0 },
    plan: (options) => {
      const plan = flow(options, { publish: 'shared/%i', subscribe: '$share/bench/shared/#' }, 1)
      const groups = plan.groups.map((each) => ({ ...each, isShare: each.name === 'sub' }))
      return { ...plan, groups }
    },
  },
} as const satisfies Record<string, Scenario>

/** Of the Open MQTT Benchmark Suite, in sizes for one machine; -c and --receivers make them larger. */
const suite = {
  'ombs-conn-tcp': {
    summary: 'Open MQTT Benchmark Suite: connections at a steady rate',
    defaults: { count: 10_000, seconds: 30 },
    plan: (options) => connections.plan(options),
  },
  'ombs-fanout': {
    summary: 'Open MQTT Benchmark Suite: five publishers, 50 messages a second each, to everybody',
    defaults: { count: 5, receivers: 100, rate: 50, payloadBytes: 16, qos: 1, seconds: 30 },
    plan: (options) => flow(options, { publish: 'ombs/fanout', subscribe: 'ombs/fanout' }, options.receivers),
  },
  'ombs-p2p': {
    summary: 'Open MQTT Benchmark Suite: pairs, a message a second each',
    defaults: { count: 1_000, rate: 1, payloadBytes: 16, qos: 1, seconds: 30 },
    plan: (options) => flows.pair.plan(options),
  },
  'ombs-sharedsub': {
    summary: 'Open MQTT Benchmark Suite: a message a second of each publisher, shared by few receivers',
    defaults: { count: 1_000, receivers: 10, rate: 1, payloadBytes: 16, qos: 1, seconds: 30 },
    plan: (options) => flows.shared.plan(options),
  },
} as const satisfies Record<string, Scenario>

/** In the order of the help. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['conn', connections],
  ...Object.entries(flows),
  ...Object.entries(suite),
])
