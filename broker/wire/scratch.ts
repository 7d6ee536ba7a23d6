/** More is not kept. */
const keptBytesMax = 4 * 1_048_576

/** Memory that is used again and again: new memory for each batch costs more than what is done in it. */
export interface Scratch {
  /** So many bytes, or more; what it gave before is no longer good. */
  room(bytes: number): Buffer
}

export function createScratch(): Scratch {
  let kept = Buffer.alloc(0)
  return {
    room(bytes) {
      if (bytes <= kept.length) return kept
      const made = Buffer.allocUnsafeSlow(bytes)
      if (bytes <= keptBytesMax) kept = made
      return made
    },
  }
}
