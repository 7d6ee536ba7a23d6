/** Whole numbers as disjoint half-open ranges `[from, to)`, ascending, merged where they touch. */
export interface NumberRanges {
  add(from: number, to: number): void
  has(number: number): boolean
  /** Whether all of `[from, to)` is in it. */
  covers(from: number, to: number): boolean
  /** Ranges after `[from, to)` would be added. */
  sizeWith(from: number, to: number): number
  /** Forgets whole ranges. */
  forget(isOver: (from: number, to: number) => boolean): void
  readonly size: number
  /** Calls with each range, ascending. */
  forEach(visit: (from: number, to: number) => void): void
}

export function createNumberRanges(): NumberRanges {
  let froms: number[] = []
  let tos: number[] = []
  /** Index of the first range that ends at or behind `number`. */
  const firstTo = (number: number): number => {
    let low = 0
    let high = tos.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((tos[middle] as number) < number) low = middle + 1
      else high = middle
    }
    return low
  }
  /** Ranges from `first` on that `[.., to)` joins. */
  const joined = (first: number, to: number): number => {
    let last = first
    while (last < froms.length && (froms[last] as number) <= to) last += 1
    return last - first
  }
  return {
    add(from, to) {
      const first = firstTo(from)
      const count = joined(first, to)
      const start = count > 0 ? Math.min(from, froms[first] as number) : from
      const end = count > 0 ? Math.max(to, tos[first + count - 1] as number) : to
      froms.splice(first, count, start)
      tos.splice(first, count, end)
    },
    has(number) {
      const i = firstTo(number + 1)
      return i < froms.length && (froms[i] as number) <= number
    },
    covers(from, to) {
      const i = firstTo(to)
      return i < froms.length && (froms[i] as number) <= from
    },
    sizeWith(from, to) {
      return froms.length + 1 - joined(firstTo(from), to)
    },
    forget(isOver) {
      const kept = froms.map((from, i) => [from, tos[i] as number] as const).filter(([from, to]) => !isOver(from, to))
      if (kept.length === froms.length) return
      froms = kept.map(([from]) => from)
      tos = kept.map(([, to]) => to)
    },
    get size() {
      return froms.length
    },
    forEach(visit) {
      for (let i = 0; i < froms.length; i++) visit(froms[i] as number, tos[i] as number)
    },
  }
}
