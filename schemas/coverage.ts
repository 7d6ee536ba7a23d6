/**
 * What became known of a stretch `[from, to)` of a symbol's time, epoch ms: its line did not cover it (`blind`), or
 * history settled what happened in it.
 */
export interface CoverageChange {
  readonly symbol: string
  readonly from: number
  readonly to: number
  readonly kind: 'blind' | 'settled'
}

export interface TimeRange {
  readonly from: number
  readonly to: number
}

function without(ranges: readonly TimeRange[], { from, to }: TimeRange): TimeRange[] {
  return ranges.flatMap((range) => {
    if (to <= range.from || range.to <= from) return [range]
    return [
      { from: range.from, to: from },
      { from: to, to: range.to },
    ].filter((rest) => rest.from < rest.to)
  })
}

/** The stretches of one symbol that are still blind after these changes, in the order in which they became known. */
export function blindRanges(changes: readonly CoverageChange[]): TimeRange[] {
  let blind: TimeRange[] = []
  for (const { from, to, kind } of changes) {
    blind = without(blind, { from, to })
    if (kind === 'blind') blind.push({ from, to })
  }
  return blind
}
