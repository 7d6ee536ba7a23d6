import { growUint8 } from './grow.ts'

const waiting = 1
const told = 2

/**
 * Symbols whose updates are due, by local number, each once. More may be due than can be said at once: then symbols of
 * which something was said before, and new ones, each get half of the turns, in the order in which they came. So a flood
 * of new symbols does not silence those that were there.
 */
export interface UpdateQueue {
  ensure(size: number): void
  note(symbol: number): void
  /** Takes those whose turn it is: all, where nothing is said of how many. */
  take(most?: number): readonly number[]
  readonly size: number
}

export function createUpdateQueue(): UpdateQueue {
  let flags = new Uint8Array(0)
  const known: number[] = []
  const fresh: number[] = []
  return {
    ensure(size) {
      if (size > flags.length) flags = growUint8(flags, size)
    },
    note(s) {
      const flag = flags[s] as number
      if ((flag & waiting) !== 0) return
      flags[s] = flag | waiting
      if ((flag & told) !== 0) known.push(s)
      else fresh.push(s)
    },
    take(most = known.length + fresh.length) {
      const ofKnown = Math.min(known.length, Math.max(most - fresh.length, Math.ceil(most / 2)))
      const taken = [...known.splice(0, ofKnown), ...fresh.splice(0, most - ofKnown)]
      for (const s of taken) flags[s] = told
      return taken
    },
    get size() {
      return known.length + fresh.length
    },
  }
}
