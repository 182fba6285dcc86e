// Numbers that look random and are the same each time: a failure is repeated by its seed.

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number in [0, below). */
  below(limit: number): number {
    // The generator called mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  /** A seed for something that is to be random by itself. */
  seed(): number {
    return this.below(0xffff_ffff)
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)))
  }
}

/** One seed of two numbers: those of neighbours have nothing in common. */
export function mixSeeds(one: number, other: number): number {
  const random = new Random(Math.imul(one, 0x9e3779b1) ^ other)
  random.below(1)
  return random.seed()
}
