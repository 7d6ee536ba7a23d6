import { createRandom } from '../random.ts'

/** Who is next: in turn, or as a seed says it. */
export interface Interleaving {
  /** All of them, in the order in which they come. */
  order<T>(all: readonly T[]): readonly T[]
  /** How many of `most` are taken at once, at least 1. */
  upTo(most: number): number
  /** Whether something that may happen now or later happens now. */
  now(): boolean
}

/** Without a seed: in order, as many as there are, later. */
export function createInterleaving(seed: number | undefined): Interleaving {
  if (seed === undefined) return { order: (all) => all, upTo: (most) => most, now: () => false }
  const random = createRandom(seed)
  const below = (end: number): number => Math.floor(random() * end)
  return {
    order(all) {
      const left = [...all]
      return all.flatMap(() => left.splice(below(left.length), 1))
    },
    upTo: (most) => 1 + below(most),
    now: () => random() < 0.5,
  }
}
