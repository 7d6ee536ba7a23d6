/**
 * Ids without an order, remembered exactly for at least a horizon of event time: two generations, of which the older
 * goes when the newer spans the horizon or is full.
 */
export interface RecentIds {
  /** @returns Whether the id is new; it is then remembered. */
  add(id: number, eventTime: number): boolean
  /** Generations dropped because they were full before the horizon was over. */
  readonly overflows: number
  readonly size: number
  /** Ids added since the last call, as (id, event time) pairs; `full` gives every remembered one. */
  drain(full: boolean): readonly (readonly [number, number])[]
}

/** Ids a generation holds at most. */
export const recentIdsMax = 500_000

export function createRecentIds(horizonMs: number, max: number = recentIdsMax): RecentIds {
  let current = new Map<number, number>()
  let previous = new Map<number, number>()
  let startedAt = Number.NaN
  let overflows = 0
  let added: [number, number][] = []
  const rotate = (eventTime: number): void => {
    previous = current
    current = new Map()
    startedAt = eventTime
  }
  return {
    add(id, eventTime) {
      if (current.has(id) || previous.has(id)) return false
      if (Number.isNaN(startedAt)) startedAt = eventTime
      if (eventTime - startedAt >= horizonMs) rotate(eventTime)
      else if (current.size >= max) {
        overflows += 1
        rotate(eventTime)
      }
      current.set(id, eventTime)
      added.push([id, eventTime])
      return true
    },
    get overflows() {
      return overflows
    },
    get size() {
      return current.size + previous.size
    },
    drain(full) {
      const pairs = full ? [...previous, ...current] : added
      added = []
      return pairs
    },
  }
}
