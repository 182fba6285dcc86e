// Each client id connects a second time while the first connection is open: the second is to get its CONNACK, the first
// is to be told to go.
import { groupOf } from '../scenarios.ts'
import { fact, type TrialDefinition } from './trial.ts'

export const takeover: TrialDefinition = {
  summary: 'every client id connects again while it is connected',
  defaults: { count: 1_000 },
  act: async (stage) => {
    const { options } = stage
    const clientId = `${options.prefix}_takeover_%i`
    const run = await stage.prepare([
      groupOf(options, 'first', options.count, { clientId }),
      groupOf(options, 'second', options.count, { clientId }),
    ])
    await run.connect(['first'])
    await run.clearLatencies()
    const cpu = stage.brokerMicroseconds
    const startedAt = performance.now()
    await run.connect(['second'])
    const seconds = (performance.now() - startedAt) / 1000
    const connect = await stage.connectLatency()
    const gone = ({ closed }: { closed: Readonly<Record<string, number>> }): number =>
      Object.values(closed).reduce((sum, count) => sum + count, 0)
    await stage.watch('the first go', gone, options.count)
    const end = await run.figures()
    const takenOver = end.connected - options.count
    return {
      facts: [
        fact('taken over', takenOver, 'connections'),
        fact('first connections closed', gone(end), 'connections'),
        fact('take-overs', takenOver / seconds, '/s'),
        fact('connect p50', connect.p50, 'µs'),
        fact('connect p99', connect.p99, 'µs'),
        fact('broker CPU for each', (stage.brokerMicroseconds - cpu) / Math.max(1, takenOver), 'µs'),
      ],
      isClean: takenOver === options.count && gone(end) === options.count,
    }
  },
}
