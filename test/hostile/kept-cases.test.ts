// Every case that was a finding once, again: on every store, over streams and over sockets.
import { describe, expect, it } from 'vitest'
import { STORES } from '../kit/test-broker.ts'
import { runCase } from './aftermath.ts'
import { Arena } from './arena.ts'
import { KEPT_CASES } from './kept-cases.ts'
import { summaryOf } from './packets-in.ts'
import { parseScript } from './script.ts'

const ENDS = ['wire', 'tcp'] as const
const VERSIONS = [5, 4] as const

describe.each(STORES)('on the %s store', (store) => {
  it.each(KEPT_CASES)('no more: $found', async ({ script, hears }) => {
    for (const [index, far] of ENDS.entries()) {
      const arena = await Arena.open({ store, far, version: VERSIONS[index] ?? 5 })
      const { connections } = await runCase(arena, parseScript(script)).finally(() => arena.close())
      const heard = connections.map(({ packets }) => packets.map(summaryOf).join(', '))
      // A socket has its own time: how far it comes before it is cut is not the same each time.
      if (hears !== undefined && far === 'wire') expect(heard).toEqual(hears)
    }
  })
})
