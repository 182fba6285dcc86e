// Any damage to any files: the store starts, hands out nothing that was not stored, and tells of it when something is
// missing. A failing seed is in the title; more of them with DAMAGE_SEEDS=1000 in the environment.
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { cutTo, filledFolder, flipBit, MESSAGES, whatIsLeft, zero } from './damaged-folder.ts'
import { randomOf } from './random.ts'
import { temporaryFolder } from './stored.ts'

const SEEDS = Number(process.env.DAMAGE_SEEDS ?? 25)
const original = mkdtempSync(join(tmpdir(), 'godwit-store-'))
afterAll(() => rmSync(original, { recursive: true }))

it('is whole to begin with', async () => {
  cpSync(await filledFolder(), original, { recursive: true })
})

it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  'starts whatever has happened, seed %i',
  async (seed) => {
    const path = join(await temporaryFolder(), 'data')
    cpSync(original, path, { recursive: true })
    const { below, oneOf } = randomOf(seed)
    const done: string[] = []
    for (let i = 0; i <= below(3); i++) {
      const file = oneOf(readdirSync(path).filter((name) => statSync(join(path, name)).size > 0)) ?? ''
      const { size } = statSync(join(path, file))
      const at = below(size)
      const kind = below(4)
      done.push(`${file} ${['flip', 'zero', 'cut', 'remove'][kind]} ${at}`)
      if (kind === 0) flipBit(join(path, file), at, below(8))
      else if (kind === 1) zero(join(path, file), at, Math.min(size, at + 1 + below(5_000)))
      else if (kind === 2) cutTo(join(path, file), at / size)
      else rmSync(join(path, file))
    }
    const left = await whatIsLeft(path)
    const isWhole =
      left.clientIds.length === 3 && [...left.messages.values()].every((count) => count === MESSAGES)
    expect([done, isWhole || left.damage.length > 0]).toEqual([done, true])
    expect((await whatIsLeft(path)).damage).toEqual([])
  },
)
