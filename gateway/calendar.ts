import type { Candle } from '../schemas/candle.ts'
import { twoSumError } from '../schemas/double-double.ts'
import type { CalendarInterval } from './query.ts'

const dayMs = 86_400_000

/** Start of the ISO week (Monday) or month, UTC, that holds `at`; epoch ms. */
export function periodStart(interval: CalendarInterval, at: number): number {
  if (interval === '1M') {
    const date = new Date(at)
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
  }
  const day = Math.floor(at / dayMs)
  const weekday = (((day + 3) % 7) + 7) % 7 // 1970-01-01 was a Thursday
  return (day - weekday) * dayMs
}

/** End of the period that starts at `start`. */
export function periodEnd(interval: CalendarInterval, start: number): number {
  if (interval === '1w') return start + 7 * dayMs
  const date = new Date(start)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** First period start at or after `at`. */
export function nextPeriodStart(interval: CalendarInterval, at: number): number {
  const start = periodStart(interval, at)
  return start === at ? start : periodEnd(interval, start)
}

/**
 * Candles of weeks or months from those of days, ascending; sums keep both words.
 * A period is final when a final day at or after its last one is known, and none of its own is open.
 */
export function mergeDays(interval: CalendarInterval, days: readonly Candle[]): readonly Candle[] {
  const periods: Candle[] = []
  const finalUntil = Math.max(...days.map((day) => (day.final ? day.end : Number.NEGATIVE_INFINITY)))
  for (const day of days) {
    const start = periodStart(interval, day.start)
    const end = periodEnd(interval, start)
    const last = periods.at(-1)
    if (last?.start === start) periods[periods.length - 1] = { ...mergeTwo(last, day), final: last.final && day.final }
    else periods.push({ ...day, start, end, interval: (end - start) / 1000 })
  }
  return periods.map((period) => {
    const final = period.final && finalUntil >= period.end
    return { ...period, final, closedBy: final ? period.closedBy : 'open' }
  })
}

function mergeTwo(a: Candle, b: Candle): Candle {
  const [volume, volumeLow] = addSums(a.volume, a.volumeLow, b.volume, b.volumeLow)
  const [quoteVolume, quoteVolumeLow] = addSums(a.quoteVolume, a.quoteVolumeLow, b.quoteVolume, b.quoteVolumeLow)
  const [buyVolume, buyVolumeLow] = addSums(a.buyVolume, a.buyVolumeLow, b.buyVolume, b.buyVolumeLow)
  const open = a.trades === 0 && b.trades > 0 ? b : a
  const close = b.trades === 0 && a.trades > 0 ? a : b
  const traded = [a, b].filter((candle) => candle.trades > 0)
  const ranged = traded.length === 0 ? [a, b] : traded
  return {
    ...a,
    open: open.open,
    high: Math.max(...ranged.map((candle) => candle.high)),
    low: Math.min(...ranged.map((candle) => candle.low)),
    close: close.close,
    volume,
    volumeLow,
    quoteVolume,
    quoteVolumeLow,
    buyVolume,
    buyVolumeLow,
    trades: a.trades + b.trades,
    firstTradeId: open.firstTradeId,
    lastTradeId: close.lastTradeId,
    revision: a.revision + b.revision,
    closedBy: b.closedBy,
    fill: a.fill === b.fill ? a.fill : 'traded',
    partial: a.partial || b.partial,
    seq: Math.max(a.seq, b.seq),
  }
}

function addSums(a: number, aLow: number, b: number, bLow: number): readonly [number, number] {
  const sum = a + b
  const low = twoSumError(a, b, sum) + aLow + bLow
  const high = sum + low
  return [high, low - (high - sum)]
}
