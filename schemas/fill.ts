import type { Candle } from './candle.ts'

/** What stands for a window without trades: nothing, or a flat candle at the close before it. */
export type FillRule = 'none' | 'previous_close'

/** A candle of a window without trades: flat at `close`, no volume. */
export function flatCandle(before: Candle, start: number): Candle {
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
    fill: 'quiet',
    partial: false,
    seq: 0,
  }
}

/**
 * A stateful step over candles ascending by symbol, interval and start: gives each candle, behind what fills the gap
 * before it. A gap is filled only between two candles of one symbol and interval.
 */
export function fillCandles(rule: FillRule): (candle: Candle) => Iterable<Candle> {
  let before: Candle | undefined
  return function* fill(candle) {
    const previous = before
    before = candle
    if (rule === 'previous_close' && previous?.symbol === candle.symbol && previous.interval === candle.interval)
      for (let start = previous.end; start < candle.start; start += candle.interval * 1000)
        yield flatCandle(previous, start)
    yield candle
  }
}
