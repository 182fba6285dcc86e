// Makes a case that fails smaller as long as it fails: first without the chunks and without what was wrong besides,
// then with fewer steps, then with fewer bytes. What is left is what somebody has to understand.
import { vbi } from '../kit/frames.ts'
import { type Recipe, scriptOf } from './recipe.ts'
import { type Script, type Step, says } from './script.ts'

/** Whether a broker of its own still does not stand it. */
export type Fails = (script: Script) => Promise<boolean>

export interface ShrinkLimits {
  readonly tries: number
  readonly ms: number
}

class Shrinker {
  readonly #fails: Fails
  readonly #deadline: number
  #triesLeft: number

  constructor(fails: Fails, { tries, ms }: ShrinkLimits) {
    this.#fails = fails
    this.#triesLeft = tries
    this.#deadline = Date.now() + ms
  }

  /** No more is tried. */
  get isSpent(): boolean {
    return this.#triesLeft <= 0 || Date.now() > this.#deadline
  }

  async fails(script: Script): Promise<boolean> {
    if (this.isSpent) return false
    this.#triesLeft--
    return this.#fails(script)
  }

  /** As short as it gets: stretches of half the length go first, single parts last. `fails` takes what is left. */
  async shorten<T>(
    parts: readonly T[],
    fails: (parts: readonly T[]) => Promise<boolean>,
  ): Promise<readonly T[]> {
    let left = parts
    for (let size = Math.ceil(parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let start = 0; start < left.length && !this.isSpent; ) {
        const shorter = [...left.slice(0, start), ...left.slice(start + size)]
        if (await fails(shorter)) left = shorter
        else start += size
      }
    }
    return left
  }
}

export async function shrinkRecipe(recipe: Recipe, fails: Fails, limits: ShrinkLimits): Promise<Script> {
  const shrinker = new Shrinker(fails, limits)
  let least = recipe
  const whole = { ...recipe, chunks: undefined }
  if (await shrinker.fails(scriptOf(whole))) least = whole
  const wrongs = await shrinker.shorten(least.wrongs, (some) =>
    shrinker.fails(scriptOf({ ...least, wrongs: some })),
  )
  return shrinkWith(shrinker, scriptOf({ ...least, wrongs }))
}

export function shrinkScript(script: Script, fails: Fails, limits: ShrinkLimits): Promise<Script> {
  return shrinkWith(new Shrinker(fails, limits), script)
}

async function shrinkWith(shrinker: Shrinker, script: Script): Promise<Script> {
  let steps = await shrinker.shorten<Step>(script, (some) => shrinker.fails(some))
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] as Step
    if (step.kind !== 'says') continue
    const withBytes = (bytes: Buffer): Script =>
      steps.map((each, at) => (at === index ? says(step.client, bytes) : each))
    const tidy = await shortenStrings(step.bytes, (bytes) => shrinker.fails(withBytes(bytes)))
    const least = await shrinker.shorten([...tidy], (some) => shrinker.fails(withBytes(Buffer.from(some))))
    steps = withBytes(Buffer.from(least))
  }
  return steps
}

/** Strings are in front: what is far behind is a payload. */
const STRINGS_END = 1_000

/** What may be a string of the packet is cut to its first byte, and both lengths put right: else it is no packet. */
async function shortenStrings(packet: Buffer, fails: (packet: Buffer) => Promise<boolean>): Promise<Buffer> {
  let least = packet

  for (let at = 2; at + 2 < Math.min(least.length, STRINGS_END); at++) {
    const length = least.readUInt16BE(at)
    if (length < 2 || at + 2 + length > least.length) continue
    const bodyStart = 2 + least.subarray(1).findIndex((byte) => byte < 0x80)
    const body = Buffer.concat([
      least.subarray(bodyStart, at),
      Buffer.from([0, 1]),
      least.subarray(at + 2, at + 3),
      least.subarray(at + 2 + length),
    ])
    const shorter = Buffer.concat([least.subarray(0, 1), vbi(body.length), body])
    if (await fails(shorter)) least = shorter
  }
  return least
}
