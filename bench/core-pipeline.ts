import { Subject } from 'rxjs'
import { createByteWriter } from '../processors/core/byte-buffer.ts'
import { copyCandles } from '../processors/core/candle-rows.ts'
import { type Conservation, createConservation, type Effects } from '../processors/core/effects.ts'
import type { StreamElement } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import { type CandleColumns, createCandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import type { Interner } from '../schemas/interner.ts'
import type { Topology } from '../topology/candle-topology.ts'
import { candles } from '../topology/candles.ts'

/** The candle topology of one partition, without what makes its output durable. */
export interface CorePipeline {
  process(batch: ColumnBatch): void
  /** Updates of open candles: made, and dropped. */
  pulse(): void
  /** Finals and corrections go to `finals`; every step writes its state. */
  barrier(): void
  readonly finals: CandleColumns
  readonly counts: Conservation
}

export interface CorePipelineOptions {
  readonly skipped?: Effects['skipped'] | undefined
  /** Default: that of `npm run topology`. */
  readonly topology?: Topology | undefined
}

export function createCorePipeline(
  symbols: Interner,
  lines: Interner,
  { skipped = () => undefined, topology = candles }: CorePipelineOptions = {},
): CorePipeline {
  const counts = createConservation()
  const finals = createCandleColumns()
  const input = new Subject<StreamElement<ColumnBatch>>()
  let isPulse = false
  let isFirst = true
  let failure: Error | undefined
  const push = (element: StreamElement<ColumnBatch>): void => {
    input.next(element)
    if (failure !== undefined) throw failure
  }
  input.pipe(topology.pipeline).subscribe({
    next(element) {
      if (element.kind !== 'rows' || isPulse) return
      copyCandles(finals, element.rows, element.rows.length)
    },
    error(error: unknown) {
      failure = error instanceof Error ? error : new Error(String(error))
    },
  })
  push({
    kind: 'open',
    context: {
      partition: 0,
      partitions: 1,
      symbols: createSymbolIndex(symbols),
      lines: createSymbolIndex(lines),
      watermark: topology.watermark,
      effects: {
        counts,
        deadLetter: () => undefined,
        skipped,
        refuse: () => undefined,
        takeOutcome: () => undefined,
        alarm: () => undefined,
      },
      restored: () => [],
    },
  })
  return {
    process: (batch) => push({ kind: 'rows', rows: batch }),
    pulse() {
      isPulse = true
      push({ kind: 'pulse', now: 0 })
      isPulse = false
    },
    barrier() {
      push({ kind: 'barrier', barrier: { full: isFirst, state: () => createByteWriter() } })
      isFirst = false
    },
    finals,
    counts,
  }
}
