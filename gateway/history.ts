import type { CandleStore } from '../ports/candle-store.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import type { Candle } from '../schemas/candle.ts'
import { blindRanges } from '../schemas/coverage.ts'
import { type EmptyFill, emptyFill, flatCandle } from '../schemas/fill.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { timeMsMax } from '../schemas/times.ts'
import { mergeDays, nextPeriodStart, periodEnd, periodStart } from './calendar.ts'
import type { CalendarInterval, ServedInterval } from './query.ts'

export interface HistoryQuery {
  readonly symbol: string
  readonly interval: ServedInterval
  /** Epoch ms; candles that start in `[from, to)`. */
  readonly from: number
  readonly to: number
  readonly limit: number
  readonly fill: 'none' | 'previous_close'
}

export interface HistoryPage {
  readonly candles: readonly Candle[]
  /** Where the next page starts, epoch ms; null where this is the last. */
  readonly next: number | null
}

/** One continuous series: the store's final candles with the open ones of the snapshot on top. */
export interface History {
  page(query: HistoryQuery): Promise<HistoryPage>
  /** The last candle of each symbol; unknown symbols are left out. */
  latest(symbols: readonly string[], interval: ServedInterval): Promise<readonly Candle[]>
}

const daysOfPeriodMax = { '1w': 7, '1M': 31 } as const

/** @param deps.snapshotLost Told when the snapshot cannot be read; the page then lacks open candles. */
export function createHistory(deps: {
  readonly store: CandleStore
  readonly snapshot: Snapshot
  snapshotLost(error: unknown): void
  /** Whether a symbol's venue is closed for all of `[start, end)`; left out where no calendar is known. */
  isClosed?(symbol: string, start: number, end: number): boolean
}): History {
  const { store, snapshot } = deps

  /** Rows and open candles that start in `[from, to)`, one more than `limit` where there are more. */
  const fixedRows = async (symbol: string, interval: number, from: number, to: number, limit: number) => {
    // The snapshot first: what becomes final in between is then in the store.
    const live = await snapshot.read(symbol, interval).catch((error: unknown) => {
      deps.snapshotLost(error)
      return undefined
    })
    const rows = await store.candles({ symbol, interval, from, to, limit: limit + 1, take: 'oldest' })
    const byStart = new Map(rows.map((row) => [row.start, row]))
    const cut = rows.length > limit ? (rows.at(-1)?.start ?? to) : to
    for (const open of live?.open ?? [])
      if (open.start >= from && open.start < cut && (byStart.get(open.start)?.revision ?? -1) < open.revision)
        byStart.set(open.start, notFinal(open))
    return [...byStart.values()].sort((a, b) => a.start - b.start)
  }

  const previousOf = async (symbol: string, interval: number, before: number) => {
    const rows = await store.candles({ symbol, interval, from: -timeMsMax, to: before, limit: 1, take: 'newest' })
    return rows[0]
  }

  const fixedPage = async (query: HistoryQuery, interval: number): Promise<HistoryPage> => {
    const { symbol, from, to, limit } = query
    const rows = await fixedRows(symbol, interval, from, to, limit)
    if (query.fill === 'none') return cutAt(rows, limit)
    const previous = rows.length === 0 ? undefined : await previousOf(symbol, interval, from)
    const last = rows.at(-1)
    if (last === undefined) return cutAt(rows, limit)
    const blind = blindRanges(await store.coverage(symbol, Math.max(from, -timeMsMax), last.start))
    const fillOf = emptyFill(blind, (start, end) => deps.isClosed?.(symbol, start, end) ?? false)
    return cutAt(filled(rows, previous, from, limit + 1, fillOf), limit)
  }

  const calendarPage = async (query: HistoryQuery, interval: CalendarInterval): Promise<HistoryPage> => {
    const { symbol, limit } = query
    const from = nextPeriodStart(interval, query.from)
    const to = query.to <= from ? from : periodEnd(interval, periodStart(interval, query.to - 1))
    const days = await fixedRows(symbol, storedIntervals['1d'], from, to, (limit + 1) * daysOfPeriodMax[interval])
    return cutAt(mergeDays(interval, days), limit)
  }

  const latestStored = async (symbols: readonly string[], interval: number) => {
    const live = await snapshot.readMany(symbols, interval).catch((error: unknown) => {
      deps.snapshotLost(error)
      return []
    })
    const rows = await store.latest(symbols, interval)
    const last = new Map(rows.map((row) => [row.symbol, row]))
    for (const { open } of live)
      for (const candle of open) {
        const known = last.get(candle.symbol)
        const newer = known === undefined || candle.start > known.start
        if (newer || (candle.start === known.start && candle.revision > known.revision))
          last.set(candle.symbol, notFinal(candle))
      }
    return symbols.flatMap((symbol) => last.get(symbol) ?? [])
  }

  return {
    page: (query) =>
      query.interval === '1w' || query.interval === '1M'
        ? calendarPage(query, query.interval)
        : fixedPage(query, storedIntervals[query.interval]),
    async latest(symbols, interval) {
      if (interval !== '1w' && interval !== '1M') return latestStored(symbols, storedIntervals[interval])
      const days = await latestStored(symbols, storedIntervals['1d'])
      const periods: Candle[] = []
      for (const { symbol, start } of days) {
        const from = periodStart(interval, start)
        const rows = await fixedRows(symbol, storedIntervals['1d'], from, periodEnd(interval, from), 31)
        periods.push(...mergeDays(interval, rows).slice(-1))
      }
      return periods
    },
  }
}

/** What is not in the store yet is not final to anyone: a final candle is durable. */
function notFinal(candle: Candle): Candle {
  return candle.final ? { ...candle, final: false } : candle
}

function cutAt(candles: readonly Candle[], limit: number): HistoryPage {
  return { candles: candles.slice(0, limit), next: candles[limit]?.start ?? null }
}

/** Puts a flat candle at the previous close into every empty window between candles; at most `max` candles in all. */
export function filled(
  rows: readonly Candle[],
  previous: Candle | undefined,
  from: number,
  max: number,
  fillOf?: EmptyFill,
) {
  const series: Candle[] = []
  let before = previous
  for (const row of rows) {
    const sizeMs = row.end - row.start
    if (before !== undefined) {
      const firstInRange = row.start - Math.floor((row.start - from) / sizeMs) * sizeMs
      for (let start = Math.max(before.end, firstInRange); start < row.start && series.length < max; start += sizeMs)
        series.push(flatCandle(before, start, fillOf))
    }
    if (series.length >= max) break
    series.push(row)
    before = row
  }
  return series
}
