// From a trace that breaks a rule to the shortest found that still breaks it: parts of it are left out, large ones
// first, and then what is left is made plainer.

import type { Step } from './steps.ts'
import { CLIENTS } from './topics.ts'

/** What a trace breaks: undefined for nothing, else the steps up to there. Rejects never. */
export type Trial = (trace: readonly Step[]) => Promise<readonly Step[] | undefined>

const TRIALS_MAX = 3_000

/** `fails` says whether a trace still breaks the same rule. */
export async function shrink(trace: readonly Step[], fails: Trial): Promise<readonly Step[]> {
  const shrinker = new Shrinker(trace, fails)
  await shrinker.leaveOutClients()
  let before: readonly Step[]
  do {
    before = shrinker.shortest
    await shrinker.leaveOutParts()
    await shrinker.makePlainer()
  } while (shrinker.shortest !== before)
  return shrinker.shortest
}

class Shrinker {
  shortest: readonly Step[]
  readonly #fails: Trial
  #trialsLeft = TRIALS_MAX

  constructor(trace: readonly Step[], fails: Trial) {
    this.shortest = trace
    this.#fails = fails
  }

  async #try(trace: readonly Step[]): Promise<boolean> {
    if (this.#trialsLeft === 0) return false
    this.#trialsLeft--
    const failed = await this.#fails(trace)
    if (failed !== undefined) this.shortest = failed
    return failed !== undefined
  }

  async leaveOutClients(): Promise<void> {
    for (const number of CLIENTS.keys()) {
      await this.#try(this.shortest.filter((step) => !('client' in step && step.client === number)))
    }
  }

  /** Halves, quarters and so on down to single steps. */
  async leaveOutParts(): Promise<void> {
    for (
      let size = Math.ceil(this.shortest.length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      // From the end: what comes last is what earlier steps are needed for.
      for (let start = this.shortest.length - size; start > -size; ) {
        const from = Math.max(0, start)
        const length = this.shortest.length
        await this.#try([...this.shortest.slice(0, from), ...this.shortest.slice(start + size)])
        start -= size
        if (this.shortest.length < length) start = Math.min(start, this.shortest.length - size)
      }
    }
  }

  async makePlainer(): Promise<void> {
    for (let index = 0; index < this.shortest.length; index++) {
      for (let isPlainer = true; isPlainer; ) {
        isPlainer = false
        for (const plainer of plainerThan(this.shortest[index])) {
          const trace = this.shortest.map((step, at) => (at === index ? plainer : step))
          isPlainer = await this.#try(trace)
          if (isPlainer) break
        }
      }
    }
  }
}

/** Values that say nothing, in the order of most to least plain. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  isHasty: [undefined],
  will: [undefined],
  retain: [false],
  isEmpty: [false],
  expiry: [undefined, 0],
  delay: [0],
  qos: [0, 1],
  noLocal: [false],
  retainAsPublished: [false],
  retainHandling: [0],
  identifier: [0],
  keepAlive: [0],
  receiveMaximum: [65_535],
  cleanStart: [true],
  version: [5],
  first: [0],
  count: [1],
  refuses: [false],
  seconds: [1],
  isKilled: [false],
}

/** The same step with one thing less to say. */
function* plainerThan(step: Step | undefined): Iterable<Step> {
  if (step === undefined) return
  for (const fields of plainerFields(step)) yield fields as unknown as Step
  if (step.kind !== 'connect' || step.will === undefined) return
  for (const will of plainerFields(step.will)) yield { ...step, will } as unknown as Step
}

function* plainerFields(from: object): Iterable<Record<string, unknown>> {
  for (const [name, value] of Object.entries(from)) {
    const plain = PLAIN[name] ?? []
    const at = plain.indexOf(value)
    const isNumber = typeof value === 'number'
    for (const better of at === -1 ? plain : plain.slice(0, at)) {
      if (better === undefined && isNumber && !('reasonCode' in from)) continue
      yield { ...from, [name]: better }
    }
  }
}
