// One subscriber that does not read: what do the others feel? The same flow is measured without it and with it.
import { groupOf, publishPlan } from '../scenarios.ts'
import { fact, type TrialDefinition } from './trial.ts'

export const slow: TrialDefinition = {
  summary: 'one subscriber does not read; what do the others feel?',
  defaults: { count: 10, rate: 100, seconds: 10 },
  act: async (stage) => {
    const { options } = stage
    const topics = { each: options.topic ?? 'slow/%i', all: options.topic ?? 'slow/#' }
    const deaf = { subscribe: { topics: [topics.all], qos: options.qos }, isDeaf: true }
    const run = await stage.prepare([
      groupOf(options, 'sub', options.count, { subscribe: { topics: [topics.each], qos: options.qos } }),
      groupOf(options, 'pub', options.count, {
        publish: publishPlan({ ...options, messages: 0 }, topics.each),
      }),
      groupOf(options, 'deaf', 1, deaf),
    ])
    await run.connect(['sub', 'pub'])
    await run.start(['pub'])
    await run.clearLatencies()
    const memory = stage.brokerMiB
    await stage.seconds('without it', options.seconds / 2)
    const without = await stage.latency()
    await run.connect(['deaf'])
    await run.clearLatencies()
    await stage.seconds('with it', options.seconds / 2)
    const beside = await stage.latency()
    const grown = stage.brokerMiB - memory
    await run.stop()
    await stage.watch('draining', ({ received, sent }) => received - sent, 0)
    const end = await run.figures()
    const lost = Math.max(0, end.sent - (end.received - end.duplicates))
    return {
      facts: [
        fact('without it: p50', without.p50, 'µs'),
        fact('without it: p99', without.p99, 'µs'),
        fact('with it: p50', beside.p50, 'µs'),
        fact('with it: p99', beside.p99, 'µs'),
        fact('with it: max', beside.max, 'µs'),
        fact('lost by the others', lost, 'messages'),
        fact('broker memory grew by', grown, 'MiB'),
      ],
      isClean: lost === 0,
    }
  },
}
