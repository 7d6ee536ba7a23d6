import { deduplicate } from '../processors/operators/deduplicate.ts'
import { toCandles } from '../processors/operators/to-candles.ts'
import { tickAvro } from '../schemas/tick.ts'
import { candleStore, candleTopic, deadLetters, snapshot } from './candle-topology.ts'
import { topic } from './sources.ts'
import { topology } from './topology.ts'

/** Ticks to candles: the topology that `npm run topology` runs. */
export const candles = topology('candles', {
  source: topic('ticks', { schema: tickAvro, key: 'symbol', eventTime: 'eventTime' }),
  watermark: { outOfOrderness: '500ms', idleAfter: '5s', futureBound: '60s' },
})
  .pipe(
    deduplicate('by-trade', { within: '10m' }),
    toCandles('candles', {
      base: '1m',
      rollUp: ['5m', '15m', '30m', '1h', '4h', '1d'],
      allowedLateness: '2m',
      emitEvery: '100ms',
    }),
  )
  .to(candleStore(), candleTopic(), snapshot(), deadLetters())
