import { deduplicate } from '../../processors/operators/deduplicate.ts'
import { toCandles } from '../../processors/operators/to-candles.ts'
import { tickAvro } from '../../schemas/tick.ts'
import { candleStore, candleTopic, deadLetters, snapshot } from '../../topology/candle-topology.ts'
import { topic } from '../../topology/sources.ts'
import { topology } from '../../topology/topology.ts'

/** As `topology/candles.ts`, with fewer roll-ups and updates: a seed costs less, and no step of the commit is another. */
export const simulated = topology('candles', {
  source: topic('ticks', { schema: tickAvro, key: 'symbol', eventTime: 'eventTime' }),
  watermark: { outOfOrderness: '500ms', idleAfter: '5s', futureBound: '60s' },
})
  .pipe(
    deduplicate('by-trade', { within: '10m' }),
    toCandles('candles', { base: '1m', rollUp: ['5m', '1h'], allowedLateness: '2m', emitEvery: '2s' }),
  )
  .to(candleStore(), candleTopic(), snapshot(), deadLetters())

/** Of its candles, seconds. */
export const simulatedIntervals = [60, 300, 3600] as const
