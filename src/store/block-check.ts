// Looks at the blocks of a large database while the broker runs, since at the start they would hold it up: a piece at a
// time, 10 MiB a second. What is damaged is told; the next start sets it aside. Run by level-store.ts.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../base/clock.ts'
import type { DamageLog } from './damage-log.ts'
import type { UncheckedTable } from './leveldb/examine.ts'
import { TableFile } from './leveldb/table-file.ts'

/** About a millisecond of work. */
const PIECE_BYTES = 256 * 1024
const PAUSE_MS = 25

export class BlockCheck {
  readonly #path: string
  readonly #clock: Clock
  readonly #damages: DamageLog
  #timer: Timer | undefined

  constructor(path: string, clock: Clock, damages: DamageLog) {
    this.#path = path
    this.#clock = clock
    this.#damages = damages
  }

  start(tables: readonly UncheckedTable[]): void {
    const pieces = this.#pieces(tables)
    const next = (): void => {
      if (pieces.next().done) return
      this.#timer = this.#clock.setTimer(next, PAUSE_MS)
    }
    next()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Yields between two pieces. */
  *#pieces(tables: readonly UncheckedTable[]): Generator<void> {
    for (const { file, size } of tables) {
      yield
      const path = join(this.#path, file)
      if (!existsSync(path)) continue // LevelDB has merged it with others
      const table = new TableFile(path, size)
      let damaged = 0
      let bytes = 0
      for (const block of table.dataBlocks ?? []) {
        if (!table.isWhole(block)) damaged++
        bytes += block.size
        if (bytes < PIECE_BYTES) continue
        bytes = 0
        yield
      }
      table.close()
      if (damaged === 0) continue
      this.#damages.found(`${file}: ${damaged} of its blocks cannot be read; the next start sets it aside`)
    }
  }
}
