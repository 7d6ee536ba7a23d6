import { type Conservation, createConservation, type Refusal } from '../processors/core/effects.ts'
import type { HistoryNeeds, OpenCandles } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import { type CandleColumns, createCandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import type { Interner } from '../schemas/interner.ts'
import type { Topology } from './candle-topology.ts'
import { createPipelineHost } from './pipeline-host.ts'

/** A topology's pipeline over one partition's log, in memory: no state before it, no store, no topic behind it. */
export interface LogPipeline {
  readonly counts: Conservation
  /** Runs a batch; `columns.verdict` then says what became of each row. */
  process(batch: ColumnBatch): void
  /** A checkpoint whose state nobody keeps: finals and corrections since the last one come to `onCandles`. */
  checkpoint(): void
  /** Every candle of a symbol and interval that is open, or closed since the last checkpoint. */
  open(symbol: number, intervalSeconds: number): CandleColumns
  /** What is asked before a `history` marker is handed over; undefined where no step takes history. */
  readonly historyNeeds: HistoryNeeds | undefined
}

export interface LogPipelineOptions {
  readonly topology: Pick<Topology, 'watermark' | 'pipeline'>
  readonly partition: number
  /** Partitions of the topic. */
  readonly partitions: number
  readonly symbols: Interner
  readonly lines: Interner
  /** Finals and corrections; the rows are reused. */
  onCandles(rows: CandleColumns): void
  onRefused?(refusal: Refusal): void
}

export function createLogPipeline(options: LogPipelineOptions): LogPipeline {
  const { topology, partition, partitions, symbols, lines, onCandles } = options
  const counts = createConservation()
  const openRows = createCandleColumns()
  let readOpen: OpenCandles | undefined
  let historyNeeds: HistoryNeeds | undefined
  const host = createPipelineHost({
    pipeline: topology.pipeline,
    states: [],
    onElement(element) {
      if (element.kind === 'rows') onCandles(element.rows)
    },
    context: {
      partition,
      partitions,
      symbols: createSymbolIndex(symbols),
      lines: createSymbolIndex(lines),
      watermark: topology.watermark,
      effects: {
        counts,
        deadLetter: (refusal) => options.onRefused?.(refusal),
        skipped: () => undefined,
        refuse: () => undefined,
        takeOutcome: () => undefined,
        alarm: () => undefined,
      },
      offerOpenCandles(open) {
        readOpen = open
      },
      offerHistory(needs) {
        historyNeeds = needs
      },
    },
  })
  return {
    counts,
    process: (batch) => host.push({ kind: 'rows', rows: batch }),
    checkpoint: host.flush,
    open(symbol, intervalSeconds) {
      openRows.length = 0
      readOpen?.(symbol, intervalSeconds, openRows)
      return openRows
    },
    get historyNeeds() {
      return historyNeeds
    },
  }
}
