// Loaded into a broker by stalls.ts (node --import): notes ten times a second how late its event loop was at most, and
// how long a garbage collection took, from before the store opens until the process ends.
import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'

const RESOLUTION_MS = 2
const file = process.env.LOOP_PROBE_FILE
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
let collectionMs = 0

function note() {
  const delayMs = Math.max(0, histogram.max / 1e6 - RESOLUTION_MS)
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), delayMs, collectionMs })}\n`)
  histogram.reset()
  collectionMs = 0
}

if (file !== undefined) {
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collectionMs = Math.max(collectionMs, duration)
  }).observe({ entryTypes: ['gc'] })
  histogram.enable()
  setInterval(note, 100).unref()
  process.on('exit', note)
}
