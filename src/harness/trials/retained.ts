// Retained messages in great number, then receivers that ask for all of them at once.
import { groupOf, publishPlan } from '../scenarios.ts'
import { fact, type TrialDefinition } from './trial.ts'

export const retained: TrialDefinition = {
  summary: 'many retained messages, then subscribers with a wildcard',
  defaults: { count: 10, receivers: 1, messages: 10_000, qos: 1, rate: 0, seconds: 0 },
  act: async (stage) => {
    const options = { ...stage.options, retain: true }
    const topic = options.topic ?? `${options.prefix}-retained/%i/%s`
    const subscribe = { topics: [`${topic.split('/')[0]}/#`], qos: options.qos }
    const run = await stage.prepare([
      groupOf(options, 'pub', options.count, { publish: publishPlan({ ...options, topic }, topic) }),
      groupOf(options, 'sub', options.receivers, { subscribe }),
    ])
    const before = stage.brokerMiB
    await run.connect(['pub'])
    await run.start(['pub'])
    const wanted = options.count * options.messages
    const publishing = await stage.watch(
      'publishing',
      (each) => (options.qos > 0 ? each.acknowledged : each.sent),
      wanted,
    )
    const full = stage.brokerMiB
    await run.connect(['sub'])
    const copies = wanted * options.receivers
    const receiving = await stage.watch('receiving', ({ received }) => received, copies)
    const end = await run.figures()
    const missing = Math.max(0, copies - end.received)
    return {
      facts: [
        fact('published', end.sent / publishing, '/s'),
        fact('received', end.received / Math.max(receiving, 1e-3), '/s'),
        fact('receiving took', receiving, 's'),
        fact('missing', missing, 'messages'),
        fact('broker memory before', before, 'MiB'),
        fact('with retained messages', full, 'MiB'),
      ],
      isClean: missing === 0,
    }
  },
}
