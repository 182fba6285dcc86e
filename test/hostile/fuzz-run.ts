// Case after case in rounds: each round has a broker of its own, over one store and one kind of connection. Run by
// fuzz.test.ts with a fixed seed, and without an end by fuzz-child.ts.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { runCase } from './aftermath.ts'
import { Arena, Finding, type Ground } from './arena.ts'
import { mixSeeds } from './random.ts'
import { recipeOf, scriptOf, tellAll } from './recipe.ts'
import { formatScript, type Script } from './script.ts'
import { shrinkRecipe } from './shrink.ts'

export const ROUND_CASES = 500
/** Most rounds are the quick ones: of twenty, one is over sockets, one on the disk, and one both. */
const ROUNDS = 20
/** What the heap may grow by in a round, garbage collected, that it does not have to give back at its end. */
const HEAP_GROWTH_MAX = 6_000_000
/** What it may grow by in a whole run: code, caches, and what a round before the first has not warmed up. */
const RUN_GROWTH_MAX = 32_000_000
const SHRINK = { tries: 3_000, ms: 30_000 }

export function groundOf(caseNumber: number): Ground {
  const round = Math.floor(caseNumber / ROUND_CASES) % ROUNDS
  const version = ([5, 4, 3] as const)[round % 3] ?? 5
  return {
    store: round % 10 === 3 ? 'level' : 'memory',
    far: round === 7 || round === 13 ? 'tcp' : 'wire',
    version,
  }
}

export interface Found {
  readonly caseNumber: number
  readonly ground: Ground
  readonly problem: string
  /** The least that fails by itself; undefined: it takes those before it too. */
  readonly script: Script | undefined
}

export interface RunOptions {
  readonly seed: number
  readonly from: number
  /** Number of the first case that is not run. */
  readonly to: number
  /** Called before each case; false: that was enough. */
  readonly goesOn?: (caseNumber: number) => boolean
}

/** The first finding; undefined: there was none. */
export async function runCases({
  seed,
  from,
  to,
  goesOn = () => true,
}: RunOptions): Promise<Found | undefined> {
  tellAll(seed)
  const heap = new HeapWatch(RUN_GROWTH_MAX)
  for (let start = from; start < to; ) {
    const end = Math.min(to, start - (start % ROUND_CASES) + ROUND_CASES)
    const round = await runRound(seed, start, end, goesOn)
    if (round !== 'goes on') return round === 'was enough' ? undefined : round
    const problem = await heap.problem('in this run')
    if (problem !== '') return { caseNumber: end - 1, ground: groundOf(start), problem, script: undefined }
    start = end
  }
  return undefined
}

type RoundResult = Found | 'goes on' | 'was enough'

async function runRound(
  seed: number,
  start: number,
  end: number,
  goesOn: (caseNumber: number) => boolean,
): Promise<RoundResult> {
  let caseNumber = start
  let arena: Arena | undefined
  const heap = new HeapWatch(HEAP_GROWTH_MAX)
  try {
    arena = await Arena.open(groundOf(start))
    for (; caseNumber < end; caseNumber++) {
      if (!goesOn(caseNumber)) break
      await runCase(arena, scriptOf(recipeOf(seed, caseNumber)))
      // The code is warm then.
      if (caseNumber === start + ROUND_CASES / 5) heap.begin()
    }
    if (caseNumber === end) await checkMemory(arena, heap)
    await arena.close()
    return caseNumber === end ? 'goes on' : 'was enough'
  } catch (error) {
    await arena?.close().catch(() => {})
    return await explain(seed, Math.min(caseNumber, end - 1), error)
  }
}

/** Nothing of the connections is held by anybody any more, and the heap is what it was. */
async function checkMemory(arena: Arena, heap: HeapWatch): Promise<void> {
  await arena.turn()
  const problem = await heap.problem('in a round')
  if (problem !== '') throw new Finding(problem)
  const held = arena.streams.filter((stream) => stream.deref() !== undefined).length
  // The witness's, and what the last case may have left on the stack.
  if (held > HELD_MAX) throw new Finding(`${held} connections are still in memory`)
}
const HELD_MAX = 8

async function explain(seed: number, caseNumber: number, error: unknown): Promise<Found> {
  const ground = groundOf(caseNumber)
  const problem = problemOf(error)
  const recipe = recipeOf(seed, caseNumber)
  const fails = async (script: Script): Promise<boolean> => (await problemAlone(ground, script)) !== ''
  if (!(await fails(scriptOf(recipe)))) return { caseNumber, ground, problem, script: undefined }
  const script = await shrinkRecipe(recipe, fails, SHRINK)
  // The least may fail for another reason, which is as good.
  return { caseNumber, ground, problem: (await problemAlone(ground, script)) || problem, script }
}

/** What a broker of its own has against the case; the empty text: nothing. */
export async function problemAlone(ground: Ground, script: Script): Promise<string> {
  let arena: Arena | undefined
  let problem = ''
  try {
    arena = await Arena.open(ground)
    await runCase(arena, script)
  } catch (error) {
    problem = problemOf(error)
  }
  await arena?.close().catch((error: unknown) => {
    problem ||= problemOf(error)
  })
  return problem
}

const problemOf = (error: unknown): string =>
  error instanceof Finding ? error.message : String((error as Error).stack)

export function describeFinding(seed: number, { caseNumber, ground, problem, script }: Found): string {
  const round = caseNumber - (caseNumber % ROUND_CASES)
  const alone = `npm run fuzz -- --seed ${seed} --case ${caseNumber}`
  const all = `npm run fuzz -- --seed ${seed} --from ${round} --to ${caseNumber + 1}`
  return [
    `finding: seed ${seed}, case ${caseNumber}, store ${ground.store}, over ${ground.far}`,
    problem,
    ...(script === undefined
      ? ['It does not fail alone. To run it with those of its round before it:', `  ${all}`]
      : ['The least that fails, for kept-cases.ts:', formatScript(script), 'To run it alone:', `  ${alone}`]),
  ].join('\n')
}

/** The heap after a collection of garbage, against what it was at the beginning. */
class HeapWatch {
  readonly #growthMax: number
  #begin: number | undefined

  constructor(growthMax: number) {
    this.#growthMax = growthMax
  }

  begin(): void {
    this.#begin ??= heapBytes()
  }

  /** The first time it is asked, there is nothing to compare with: it begins. */
  async problem(where: string): Promise<string> {
    this.begin()
    for (let tries = 0; ; tries++) {
      const growth = heapBytes() - (this.#begin as number)
      if (growth <= this.#growthMax) return ''
      if (tries === 3) return `memory grew by ${growth} bytes ${where}, where ${this.#growthMax} are allowed`
      // The bytes of a buffer are given back some time after its object is found to be garbage.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
}

let collectGarbage: (() => void) | undefined

function heapBytes(): number {
  if (collectGarbage === undefined) {
    setFlagsFromString('--expose-gc')
    collectGarbage = globalThis.gc ?? (runInNewContext('gc') as () => void)
  }
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** For a run without a seed of its own. */
export const anySeed = (): number => mixSeeds(Date.now(), process.pid)
