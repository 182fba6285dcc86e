// Everybody comes back at once: all clients lose their connection and connect again, as fast as they can, while a few
// that stay go on talking. How long until all are back, and what do the others feel?
import { groupOf, publishPlan } from '../scenarios.ts'
import { fact, type TrialDefinition } from './trial.ts'

const WITNESSES = 10
const WITNESS_RATE = 100
const QUIET_SECONDS = 3

export const storm: TrialDefinition = {
  summary: 'all clients reconnect at once; others go on talking',
  defaults: { count: 2_000 },
  act: async (stage) => {
    const { options } = stage
    const witness = { ...options, rate: WITNESS_RATE, messages: 0, topic: undefined }
    const subscribe = { topics: [options.topic ?? 'storm/%i'], qos: options.qos }
    const run = await stage.prepare([
      groupOf(options, 'client', options.count, { subscribe }),
      groupOf(witness, 'hears', WITNESSES, { subscribe: { topics: ['witness/%i'], qos: options.qos } }),
      groupOf(witness, 'talks', WITNESSES, { publish: publishPlan(witness, 'witness/%i') }),
    ])
    await run.connect()
    await run.start(['talks'])
    await run.clearLatencies()
    await stage.seconds('at rest', QUIET_SECONDS)
    const rest = await stage.latency()
    const before = await run.figures()
    await run.clearLatencies()
    const cpu = stage.brokerMicroseconds
    await run.endConnections(['client'], false)
    const startedAt = performance.now()
    await run.connect(['client'], Number.POSITIVE_INFINITY)
    const seconds = (performance.now() - startedAt) / 1000
    const connect = await stage.connectLatency()
    const during = await stage.latency()
    await run.stop()
    const back = (await run.figures()).connected - before.connected
    const failed = options.count - back
    return {
      facts: [
        fact('came back', back, 'connections'),
        fact('did not', failed, 'connections'),
        fact('took', seconds, 's'),
        fact('connects', back / seconds, '/s'),
        fact('connect p50', connect.p50, 'µs'),
        fact('connect p99', connect.p99, 'µs'),
        fact('broker CPU per connect', (stage.brokerMicroseconds - cpu) / Math.max(1, back), 'µs'),
        fact('others, at rest: p99', rest.p99, 'µs'),
        fact('others, in the storm: p99', during.p99, 'µs'),
        fact('others, in the storm: max', during.max, 'µs'),
      ],
      isClean: failed === 0,
    }
  },
}
