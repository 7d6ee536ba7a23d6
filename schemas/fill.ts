import type { Candle, Fill } from './candle.ts'
import type { TimeRange } from './coverage.ts'

/** What stands for a window without trades: nothing, or a flat candle at the close before it. */
export type FillRule = 'none' | 'previous_close'

/** What is known of a window `[start, end)` without trades. */
export type EmptyFill = (start: number, end: number) => Exclude<Fill, 'traded'>

/**
 * Windows without trades of one symbol: `closed` where its venue did not trade, `blind` where its line was not covered,
 * `quiet` where nothing happened.
 *
 * @param isClosed Whether the venue is closed for all of a window; left out where no calendar is known.
 */
export function emptyFill(
  blind: readonly TimeRange[],
  isClosed: (start: number, end: number) => boolean = () => false,
): EmptyFill {
  return (start, end) => {
    if (isClosed(start, end)) return 'closed'
    return blind.some(({ from, to }) => from < end && to > start) ? 'blind' : 'quiet'
  }
}

const allQuiet: EmptyFill = () => 'quiet'

/** A candle of a window without trades: flat at `close`, no volume. */
export function flatCandle(before: Candle, start: number, fillOf: EmptyFill = allQuiet): Candle {
  const fill = fillOf(start, start + before.interval * 1000)
  const { close } = before
  return {
    ...before,
    start,
    end: start + before.interval * 1000,
    open: close,
    high: close,
    low: close,
    volume: 0,
    volumeLow: 0,
    quoteVolume: 0,
    quoteVolumeLow: 0,
    buyVolume: 0,
    buyVolumeLow: 0,
    trades: 0,
    firstTradeId: 0,
    lastTradeId: 0,
    final: true,
    revision: 0,
    fill,
    partial: fill === 'blind',
    seq: 0,
  }
}

/**
 * A stateful step over candles ascending by symbol, interval and start: gives each candle, behind what fills the gap
 * before it. A gap is filled only between two candles of one symbol and interval; `fillOf` tells what is known of it.
 */
export function fillCandles(
  rule: FillRule,
  fillOf: (symbol: string) => EmptyFill = () => allQuiet,
): (candle: Candle) => Iterable<Candle> {
  let before: Candle | undefined
  return function* fill(candle) {
    const previous = before
    before = candle
    if (rule === 'previous_close' && previous?.symbol === candle.symbol && previous.interval === candle.interval)
      for (let start = previous.end; start < candle.start; start += candle.interval * 1000)
        yield flatCandle(previous, start, fillOf(candle.symbol))
    yield candle
  }
}
