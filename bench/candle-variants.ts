import { deduplicate } from '../processors/operators/deduplicate.ts'
import type { Duration } from '../processors/operators/duration.ts'
import { toCandles } from '../processors/operators/to-candles.ts'
import { tickAvro } from '../schemas/tick.ts'
import { candleStore, candleTopic, deadLetters, snapshot, type Topology } from '../topology/candle-topology.ts'
import { topic } from '../topology/sources.ts'
import { topology } from '../topology/topology.ts'

interface CandleVariant {
  readonly base: Duration
  readonly rollUp: readonly Duration[]
  readonly outOfOrderness: Duration
  readonly allowedLateness: Duration
  readonly emitEvery: Duration
}

/** The candle topology with other windows. */
export function candlesOf({ base, rollUp, outOfOrderness, allowedLateness, emitEvery }: CandleVariant): Topology {
  return topology('candles', {
    source: topic('ticks', { schema: tickAvro, key: 'symbol', eventTime: 'eventTime' }),
    watermark: { outOfOrderness, idleAfter: '5s', futureBound: '60s' },
  })
    .pipe(
      deduplicate('by-trade', { within: '10m' }),
      toCandles('candles', { base, rollUp, allowedLateness, emitEvery }),
    )
    .to(candleStore(), candleTopic(), snapshot(), deadLetters())
}

/** The peers' job: one-minute candles, five seconds of disorder. */
export function minuteCandles(emitEvery: Duration): Topology {
  return candlesOf({ base: '1m', rollUp: [], outOfOrderness: '5s', allowedLateness: '60s', emitEvery })
}
