// What the operating system says about another process: its CPU time and its memory. Linux alone.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']).toString())

/** User and system time of all its threads, in microseconds; to the clock tick, mostly 10 ms. */
export function cpuMicroseconds(processId: number): number {
  const fields = readFileSync(`/proc/${processId}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6
}

export interface MemoryFigures {
  /** Resident memory that is its own. */
  readonly ownMiB: number
  /** Resident pages of mapped files: the program, and what LevelDB has read; the system may take them back. */
  readonly mappedMiB: number
}

export function memoryFigures(processId: number): MemoryFigures {
  const status = readFileSync(`/proc/${processId}/status`, 'latin1')
  const mebibytes = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024)
  return { ownMiB: mebibytes('RssAnon'), mappedMiB: mebibytes('RssFile') }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >>> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
