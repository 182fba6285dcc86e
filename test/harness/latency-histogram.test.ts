// Latencies counted in buckets: percentiles are those of the sorted values, to a sixty-fourth, however they were
// merged.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { betweenCounts, LatencyHistogram } from '../../src/harness/latency-histogram.ts'

const values = fc.array(fc.integer({ min: 0, max: 2 ** 36 }), { minLength: 1, maxLength: 200 })

function histogramOf(recorded: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram()
  for (const value of recorded) histogram.record(value)
  return histogram
}

const exact = (recorded: readonly number[], percent: number): number => {
  const sorted = [...recorded].sort((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] as number
}

it('knows each percentile to a sixty-fourth', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 100, noNaN: true }), (recorded, percent) => {
      const found = histogramOf(recorded).percentile(percent)
      const wanted = exact(recorded, percent)
      expect(found).toBeGreaterThanOrEqual(wanted)
      expect(found).toBeLessThanOrEqual(wanted + wanted / 64)
    }),
  )
})

it('is the same in one piece as added up from several', () => {
  fc.assert(
    fc.property(values, values, (one, other) => {
      const whole = histogramOf([...one, ...other])
      const merged = histogramOf(one)
      merged.add(histogramOf(other).toCounts())
      expect(merged.toCounts()).toEqual(whole.toCounts())
      expect(merged.total).toBe(whole.total)
    }),
  )
})

it('tells what came between two looks', () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const histogram = histogramOf(before)
      const first = histogram.toCounts()
      for (const value of after) histogram.record(value)
      const between = betweenCounts(first, histogram.toCounts())
      expect(between.counts).toEqual(histogramOf(after).toCounts().counts)
    }),
  )
})

it('counts what clocks disagree about as nothing, and what never ends as long', () => {
  const histogram = histogramOf([-5, Number.MAX_SAFE_INTEGER])
  expect(histogram.percentile(50)).toBe(0)
  expect(histogram.max).toBe(Number.MAX_SAFE_INTEGER)
})
