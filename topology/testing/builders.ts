import type { Candle } from '../../schemas/candle.ts'
import type { Tick } from '../../schemas/tick.ts'

/** 2026-01-01T00:00:00Z: where ticks and candles are that name no time. */
export const builtAt = 1_767_225_600_000

/** A tick: of BTC-USD, a sale of 0.25 at 97,000.5 on the line `replay`. Its sequence is its trade id, unless it is given. */
export function tick(changes: Partial<Tick> = {}): Tick {
  const tradeId = changes.tradeId ?? 3_000_000_001
  return {
    symbol: 'BTC-USD',
    eventTime: builtAt,
    price: 97_000.5,
    size: 0.25,
    side: 'sell',
    tradeId,
    idOrder: 'monotonic',
    sequence: tradeId,
    line: 'replay',
    ingestTime: (changes.eventTime ?? builtAt) + 123,
    ...changes,
  }
}

/**
 * A final candle of one minute of BTC-USD with one trade of 1 at 100. `end` follows from start and interval; high, low and
 * open from close; quote volume from volume and close.
 */
export function candle(changes: Partial<Candle> = {}): Candle {
  const { start = builtAt, interval = 60, close = 100, volume = 1, trades = 1 } = changes
  const open = changes.open ?? close
  return {
    symbol: 'BTC-USD',
    interval,
    start,
    end: start + interval * 1000,
    open,
    high: Math.max(open, close),
    low: Math.min(open, close),
    close,
    volume,
    volumeLow: 0,
    quoteVolume: volume * close,
    quoteVolumeLow: 0,
    buyVolume: 0,
    buyVolumeLow: 0,
    trades,
    firstTradeId: 1,
    lastTradeId: trades,
    final: true,
    revision: trades,
    closedBy: 'watermark',
    fill: 'traded',
    partial: false,
    seq: 1,
    ...changes,
  }
}
