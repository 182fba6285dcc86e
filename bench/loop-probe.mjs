// Loaded into a broker by stalls.ts (node --import): notes ten times a second how late its event loop was at most, and
// how long a garbage collection took, from before the store opens until the process ends. What the process waited for
// a processor is not the loop's doing, and is told apart where the system says it (Linux).
import { appendFileSync, openSync, readSync } from 'node:fs'
import { constants, PerformanceObserver } from 'node:perf_hooks'

const EVERY_MS = 2
const NOTE_EVERY_MS = 100
const file = process.env.LOOP_PROBE_FILE
const text = Buffer.alloc(64)
const schedule = openSchedule()
let before = { at: performance.now(), waitedMs: waitedMs() }
let notedAt = before.at
let longest = { delayMs: 0, ownMs: 0, collectionMs: 0 }

function openSchedule() {
  try {
    return openSync('/proc/self/schedstat', 'r')
  } catch {
    return undefined
  }
}

/** Of the main thread, since it began: ready to run, and not running. */
function waitedMs() {
  if (schedule === undefined) return 0
  const length = readSync(schedule, text, 0, text.length, 0)
  return Number(text.toString('latin1', 0, length).split(' ')[1]) / 1e6
}

function look() {
  const now = { at: performance.now(), waitedMs: waitedMs() }
  const delayMs = now.at - before.at - EVERY_MS
  const ownMs = delayMs - (now.waitedMs - before.waitedMs)
  longest.delayMs = Math.max(longest.delayMs, delayMs)
  longest.ownMs = Math.max(longest.ownMs, ownMs)
  before = now
  if (now.at - notedAt >= NOTE_EVERY_MS) note()
}

function note() {
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...longest })}\n`)
  notedAt = performance.now()
  longest = { delayMs: 0, ownMs: 0, collectionMs: 0 }
}

function collected({ duration, detail }) {
  // One that is done piece by piece is counted from its first piece to its last.
  if (detail.kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) return
  longest.collectionMs = Math.max(longest.collectionMs, duration)
}

if (file !== undefined) {
  new PerformanceObserver((list) => list.getEntries().forEach(collected)).observe({ entryTypes: ['gc'] })
  setInterval(look, EVERY_MS).unref()
  process.on('exit', () => {
    look()
    note()
  })
}
