/**
 * Ids below a highest one that have not been seen, as disjoint ranges in ascending order, each with the event time
 * at which it opened. Bounded: the oldest range goes first.
 */
export interface IdRanges {
  /** Opens `[from, to]` above every other range. @returns Ranges evicted to keep the bound: 0 or 1. */
  open(from: number, to: number, openedAt: number): number
  /** Takes one id out. @returns Whether it was in a range. */
  take(id: number): boolean
  /** Forgets ranges that opened before `time`. */
  forgetBefore(time: number): void
  readonly size: number
  /** Calls with each range, ascending. */
  forEach(visit: (from: number, to: number, openedAt: number) => void): void
}

/** Ranges a symbol may have missing at once. */
export const idRangesMax = 1024

export function createIdRanges(max: number = idRangesMax): IdRanges {
  const froms: number[] = []
  const tos: number[] = []
  const times: number[] = []
  const indexOf = (id: number): number => {
    let low = 0
    let high = froms.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      if ((tos[middle] as number) < id) low = middle + 1
      else if ((froms[middle] as number) > id) high = middle - 1
      else return middle
    }
    return -1
  }
  const drop = (index: number, count: number): void => {
    froms.splice(index, count)
    tos.splice(index, count)
    times.splice(index, count)
  }
  return {
    open(from, to, openedAt) {
      froms.push(from)
      tos.push(to)
      times.push(openedAt)
      if (froms.length <= max) return 0
      drop(0, 1)
      return 1
    },
    take(id) {
      const index = indexOf(id)
      if (index < 0) return false
      const from = froms[index] as number
      const to = tos[index] as number
      if (from === to) drop(index, 1)
      else if (id === from) froms[index] = id + 1
      else if (id === to) tos[index] = id - 1
      else {
        tos[index] = id - 1
        froms.splice(index + 1, 0, id + 1)
        tos.splice(index + 1, 0, to)
        times.splice(index + 1, 0, times[index] as number)
      }
      return true
    },
    forgetBefore(time) {
      let stale = 0
      while (stale < times.length && (times[stale] as number) < time) stale++
      if (stale > 0) drop(0, stale)
    },
    get size() {
      return froms.length
    },
    forEach(visit) {
      for (let i = 0; i < froms.length; i++) visit(froms[i] as number, tos[i] as number, times[i] as number)
    },
  }
}
