// A process of its own for a share of the load: what load-run.ts asks for over the channel is done, and answered.
import { Generator, type Share } from './generator.ts'
import type { LoadFigures } from './load-figures.ts'

export type Order =
  | { readonly do: 'prepare'; readonly share: Share }
  | { readonly do: 'connect'; readonly groups: readonly string[]; readonly rate: number }
  | { readonly do: 'start' | 'readOn'; readonly groups: readonly string[] }
  | { readonly do: 'end'; readonly groups: readonly string[]; readonly withFarewell: boolean }
  | { readonly do: 'clear' | 'figures' | 'stop' }

/** Each order is answered when it has been carried out. */
export interface Answer {
  readonly figures?: LoadFigures
  /** Nothing is left to be sent or acknowledged. */
  readonly isDone: boolean
}

let generator: Generator | undefined

async function carryOut(order: Order): Promise<Answer> {
  if (order.do === 'prepare') generator = new Generator(order.share)
  if (generator === undefined) throw new Error('a generator is prepared first')
  switch (order.do) {
    case 'connect':
      await generator.connect(order.groups, order.rate)
      break
    case 'start':
      generator.start(order.groups)
      break
    case 'readOn':
      generator.readOn(order.groups)
      break
    case 'end':
      generator.end(order.groups, order.withFarewell)
      break
    case 'clear':
      generator.clearLatencies()
      break
    case 'stop':
      generator.stop()
      break
    case 'figures':
      return { figures: generator.figures(), isDone: generator.isDone }
  }
  return { isDone: generator.isDone }
}

process.on('message', ({ id, order }: { id: number; order: Order }) => {
  void carryOut(order).then((answer) => process.send?.({ id, answer }))
})
process.on('disconnect', () => process.exit(0))
// Ctrl+C reaches the whole group: the run decides when it is over.
process.on('SIGINT', () => {})
