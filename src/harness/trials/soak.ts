// The same moderate flow for as long as one likes: does the memory grow, do latencies, is anything lost?
import { groupOf, publishPlan } from '../scenarios.ts'
import { fact, type TrialDefinition } from './trial.ts'

export const soak: TrialDefinition = {
  summary: 'a steady flow for a long time: does anything grow?',
  defaults: { count: 100, rate: 10, seconds: 600 },
  act: async (stage) => {
    const { options } = stage
    const topic = options.topic ?? 'soak/%i'
    const run = await stage.prepare([
      groupOf(options, 'sub', options.count, { subscribe: { topics: [topic], qos: options.qos } }),
      groupOf(options, 'pub', options.count, { publish: publishPlan({ ...options, messages: 0 }, topic) }),
    ])
    await run.connect()
    await run.start(['pub'])
    const tenth = options.seconds / 10
    const tenths: { readonly p99: number; readonly memory: number }[] = []
    for (let i = 0; i < 10; i++) {
      await run.clearLatencies()
      await stage.seconds(`tenth ${i + 1} of 10`, tenth)
      tenths.push({ p99: (await stage.latency()).p99, memory: stage.brokerMiB })
    }
    await run.stop()
    await stage.watch('draining', ({ received, sent }) => received - sent, 0)
    const end = await run.figures()
    const lost = Math.max(0, end.sent - (end.received - end.duplicates))
    const [first, last] = [tenths[0], tenths.at(-1)]
    return {
      facts: [
        fact('sent', end.sent, 'messages'),
        fact('lost', lost, 'messages'),
        fact('twice', end.duplicates, 'messages'),
        fact('out of order', end.outOfOrder, 'messages'),
        fact('p99 in the first tenth', first?.p99 ?? 0, 'µs'),
        fact('p99 in the last tenth', last?.p99 ?? 0, 'µs'),
        fact('highest p99 of a tenth', Math.max(...tenths.map(({ p99 }) => p99)), 'µs'),
        fact('broker memory after the first tenth', first?.memory ?? 0, 'MiB'),
        fact('broker memory after the last tenth', last?.memory ?? 0, 'MiB'),
      ],
      isClean: lost + end.duplicates + end.outOfOrder === 0,
    }
  },
}
