import type { LateRange } from '../schemas/dead-letter.ts'

/** Late and duplicate ticks of one commit, folded: one range for each symbol and reason. */
export interface LateRanges<Symbol = number> {
  add(offset: number, symbol: Symbol, reason: 'late' | 'duplicate'): void
  readonly size: number
  take(partition: number, nameOf: (symbol: Symbol) => string): LateRange[]
}

interface Range {
  from: number
  to: number
  count: number
}

export function createLateRanges<Symbol = number>(): LateRanges<Symbol> {
  const ranges = { late: new Map<Symbol, Range>(), duplicate: new Map<Symbol, Range>() }
  return {
    add(offset, symbol, reason) {
      const range = ranges[reason].get(symbol)
      if (range === undefined) ranges[reason].set(symbol, { from: offset, to: offset, count: 1 })
      else {
        range.to = offset
        range.count += 1
      }
    },
    get size() {
      return ranges.late.size + ranges.duplicate.size
    },
    take(partition, nameOf) {
      return (['late', 'duplicate'] as const).flatMap((reason) =>
        [...ranges[reason]].map(([symbol, { from, to, count }]) => ({
          partition,
          fromOffset: from,
          toOffset: to,
          symbol: nameOf(symbol),
          reason,
          count,
        })),
      )
    },
  }
}
