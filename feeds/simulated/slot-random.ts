/** A stream of numbers that depends on its seeds alone. */
interface SlotRandom {
  /** Uniform in `[0, 1)`. */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Poisson count of a mean >= 0; approximated by a normal from 30 on. */
  count(mean: number): number
}

const poissonExactMax = 30

function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** 32 bits of a text and a number. */
export function seedOf(text: string, seed: number): number {
  let h = mix(seed | 0, Math.floor(seed / 0x1_0000_0000) | 0)
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i))
  return h
}

/**
 * Randomness of one slot: a pure function of both arguments, so a slot is the same whichever run makes it.
 *
 * @see Steele et al., "Fast splittable pseudorandom number generators", 2014 (a Weyl sequence, then a mixer).
 */
export function slotRandom(seed: number, slot: number): SlotRandom {
  const low = slot | 0
  let state = mix(mix(seed, low), Math.floor(slot / 0x1_0000_0000))

  function uniform(): number {
    state = (state + 0x6d2b79f5) | 0
    let h = Math.imul(state ^ (state >>> 15), 1 | state)
    h = (h + Math.imul(h ^ (h >>> 7), 61 | h)) ^ h
    return ((h ^ (h >>> 14)) >>> 0) / 0x1_0000_0000
  }

  function normal(): number {
    return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  }

  return {
    uniform,
    normal,
    count(mean) {
      if (mean >= poissonExactMax) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
      const floor = Math.exp(-mean)
      let product = uniform()
      let count = 0
      while (product > floor) {
        product *= uniform()
        count++
      }
      return count
    },
  }
}
