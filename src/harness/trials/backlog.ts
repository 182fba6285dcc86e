// Work that piles up: receivers with a session go away, messages wait for them, they come back and take them.
import { groupOf, publishPlan } from '../scenarios.ts'
import { fact, type TrialDefinition } from './trial.ts'

export const backlog: TrialDefinition = {
  summary: 'messages wait for receivers that are away, then are drained',
  defaults: { count: 10, receivers: 1, messages: 10_000, qos: 1, rate: 0, seconds: 0 },
  act: async (stage) => {
    const options = { ...stage.options, target: { ...stage.options.target, cleanStart: false } }
    const subscribe = { topics: [options.topic ?? 'backlog/#'], qos: options.qos }
    const publish = publishPlan(options, 'backlog/%i')
    const run = await stage.prepare(
      [
        groupOf(options, 'sub', options.receivers, { subscribe }),
        groupOf(options, 'pub', options.count, { publish }),
      ],
      options,
    )
    const before = stage.brokerMiB
    await run.connect()
    await run.endConnections(['sub'], true)
    const wanted = options.count * options.messages
    await run.start(['pub'])
    const filling = await stage.watch(
      'filling',
      (each) => (options.qos > 0 ? each.acknowledged : each.sent),
      wanted,
    )
    await run.stop()
    const full = stage.brokerMiB
    await run.connect(['sub'])
    const copies = wanted * options.receivers
    const draining = await stage.watch('draining', ({ received }) => received, copies)
    const end = await run.figures()
    const lost = Math.max(0, end.sent * options.receivers - (end.received - end.duplicates))
    return {
      facts: [
        fact('filled', end.sent / filling, '/s'),
        fact('drained', end.received / Math.max(draining, 1e-3), '/s'),
        fact('draining took', draining, 's'),
        fact('lost', lost, 'messages'),
        fact('twice', end.duplicates, 'messages'),
        fact('out of order', end.outOfOrder, 'messages'),
        fact('broker memory before', before, 'MiB'),
        fact('with the backlog', full, 'MiB'),
        fact('afterwards', stage.brokerMiB, 'MiB'),
      ],
      isClean: lost + end.duplicates + end.outOfOrder === 0,
    }
  },
}
