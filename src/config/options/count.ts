// A kind of option that most of them are.
import { z } from 'zod'

/** A whole number from `min` to `max`. */
export const count = (min: number, max: number, initial: number, description: string) =>
  z.int().min(min).max(max).default(initial).describe(description)
