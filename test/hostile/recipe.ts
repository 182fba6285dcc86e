// How a case is made from a seed and a number: a story, what is wrong with it, and the chunks it comes in. Each part
// has a seed of its own, so that one can be left out and the others stay as they are: shrink.ts does that.
import { MUTATION_NAMES, MUTATIONS, type MutationName } from './mutations.ts'
import { mixSeeds, Random } from './random.ts'
import type { Script } from './script.ts'
import { tellStory } from './stories.ts'
import { chunked } from './upsets.ts'

export interface Wrong {
  readonly name: MutationName
  readonly seed: number
}

export interface Recipe {
  /** Its seed. */
  readonly story: number
  /** The one that splices take from. */
  readonly other: number
  readonly wrongs: readonly Wrong[]
  /** Undefined: each step in a chunk of its own. */
  readonly chunks: number | undefined
}

/** Different stories of one seed: telling one takes longer than spoiling it. */
const STORIES_TOLD = 1_024
const told = new Map<number, Script>()

function storyOf(seed: number): Script {
  const known = told.get(seed)
  if (known !== undefined) return known
  if (told.size >= STORIES_TOLD) told.clear()
  const story = tellStory(new Random(seed))
  told.set(seed, story)
  return story
}

/** Told all at once, that memory may be looked at afterwards. */
export function tellAll(seed: number): void {
  for (let number = 0; number < STORIES_TOLD; number++) storyOf(mixSeeds(seed, number))
}

/** One to five things wrong; one is the most frequent. */
export function recipeOf(seed: number, caseNumber: number): Recipe {
  const random = new Random(mixSeeds(~seed, caseNumber))
  const story = mixSeeds(seed, random.below(STORIES_TOLD))
  const other = mixSeeds(seed, random.below(STORIES_TOLD))
  const wrongs: Wrong[] = []
  do wrongs.push({ name: random.pick(MUTATION_NAMES), seed: random.seed() })
  while (wrongs.length < 5 && random.chance(55))
  return { story, other, wrongs, chunks: random.seed() }
}

export function scriptOf({ story, other, wrongs, chunks }: Recipe): Script {
  let script = storyOf(story)
  for (const { name, seed } of wrongs) {
    if (script.length === 0) break
    script = MUTATIONS[name](script, new Random(seed), storyOf(other))
  }
  return chunks === undefined ? script : chunked(script, new Random(chunks))
}
