// The memory of this process: how much is resident, how much of it is in use, and how to have garbage collected now.
// Asked by broker/memory-guard.ts, where memory may be short.
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface MemoryFigures {
  /** Bytes resident, native buffers included. */
  readonly resident: number
  /** Bytes of objects and buffers, garbage included until it is collected. */
  readonly inUse: number
}

export interface ProcessMemory {
  measure(): MemoryFigures
  /** All of it, about a millisecond for each megabyte in use. */
  collectGarbage(): void
}

export const processMemory: ProcessMemory = {
  measure() {
    const { rss, heapUsed, external } = process.memoryUsage()
    return { resident: residentOfItsOwn() ?? rss, inUse: heapUsed + external }
  },
  collectGarbage() {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc')
      collect = runInNewContext('gc') as () => void
    }
    collect()
  },
}

/** Without mapped files, whose pages the system takes back when it needs them. Undefined: only Linux tells. */
function residentOfItsOwn(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}

let collect: (() => void) | undefined
