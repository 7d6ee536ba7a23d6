import { defer, map, type OperatorFunction } from 'rxjs'
import type { PartitionContext, StreamElement } from '../processors/core/stream-element.ts'
import { deduplicate } from '../processors/operators/deduplicate.ts'
import { toCandles } from '../processors/operators/to-candles.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import { tickAvro } from '../schemas/tick.ts'
import { candleStore, type Topology } from '../topology/candle-topology.ts'
import { topic } from '../topology/sources.ts'
import { topology } from '../topology/topology.ts'

/** A tick as a faulty step sees it. */
export interface SeenTick {
  readonly symbol: string
  readonly offset: number
  readonly partition: number
  readonly price: number
}

/** Where the step throws. */
export interface Fault {
  tick?(tick: SeenTick): boolean
  /** At a batch, whatever is in it. */
  batch?(baseOffset: number, nextOffset: number, partition: number): boolean
  /** At a control record. */
  control?(kind: string, partition: number): boolean
  /** At another element than rows. */
  element?(kind: StreamElement<ColumnBatch>['kind'], partition: number): boolean
}

/** The candle topology with an operator of RxJS's between its steps, which throws as the test says. */
export function faultyCandles(fault: () => Fault): Topology {
  const faulty: OperatorFunction<StreamElement<ColumnBatch>, StreamElement<ColumnBatch>> = (source) =>
    defer(() => {
      let context: PartitionContext | undefined
      return source.pipe(
        map((element) => {
          if (element.kind === 'open') context = element.context
          if (context === undefined) return element
          const { partition, symbols } = context
          if (element.kind !== 'rows') {
            if (fault().element?.(element.kind, partition) === true) throw new Error(`faulty at ${element.kind}`)
            return element
          }
          const { columns, controls, baseOffset, nextOffset } = element.rows
          if (fault().batch?.(baseOffset, nextOffset, partition) === true) throw new Error('faulty batch')
          for (const { record } of controls)
            if (fault().control?.(record.kind, partition) === true) throw new Error(`faulty at ${record.kind}`)
          for (let i = 0; i < columns.length; i++) {
            const symbol = symbols.globalName(columns.symbol[i] ?? 0)
            const [offset, price] = [columns.offset[i] ?? 0, columns.price[i] ?? 0]
            if (fault().tick?.({ symbol, offset, partition, price }) === true) throw new Error(`faulty for ${symbol}`)
          }
          return element
        }),
      )
    })
  return topology('candles', {
    source: topic('ticks', { schema: tickAvro, key: 'symbol', eventTime: 'eventTime' }),
    watermark: { outOfOrderness: '500ms', idleAfter: '5s', futureBound: '60s' },
  })
    .pipe(
      deduplicate('by-trade', { within: '10m' }),
      faulty,
      toCandles('candles', {
        base: '1m',
        rollUp: ['5m', '15m', '30m', '1h', '4h', '1d'],
        allowedLateness: '2m',
        emitEvery: '100ms',
      }),
    )
    .to(candleStore())
}
