import { candleOf } from '../../processors/core/candle-rows.ts'
import { pushed } from '../../schemas/batch-decoder.ts'
import type { Candle } from '../../schemas/candle.ts'
import { type ColumnBatch, verdict } from '../../schemas/columns.ts'
import { controlHeader } from '../../schemas/control.ts'
import { invariant } from '../../schemas/errors.ts'
import type { HistoryInput, HistorySegment } from '../../schemas/history.ts'
import { Interner } from '../../schemas/interner.ts'
import { sideNames, symbolPattern } from '../../schemas/tick.ts'
import { createTickColumnDecoder } from '../../schemas/tick-column-decoder.ts'
import type { Topology } from '../../topology/candle-topology.ts'
import { createLogPipeline } from '../../topology/log-pipeline.ts'
import type { OracleEntry } from '../oracle.ts'
import type { SimPartition } from './sim-cluster.ts'

/** What a prefix of a partition's log comes to, read once, in order, without a crash. */
export interface Reference {
  /** Goes on to an offset. @returns Keys of the candles that changed. */
  advance(to: number): ReadonlySet<string>
  /** By key. */
  readonly rows: ReadonlyMap<string, Candle>
  /** Offset and reason of each record that is refused, in order. */
  readonly refused: readonly string[]
  readonly counts: { readonly late: number; readonly duplicate: number }
  /** Ticks that were used, and segments, in order. */
  readonly entries: readonly OracleEntry[]
}

export interface ReferenceOptions {
  readonly topology: Topology
  readonly partition: number
  readonly partitions: number
  readonly ticks: SimPartition
  readonly history: SimPartition
  decodeHistory(value: Uint8Array | null): HistorySegment | string
  fetchSchema(id: number): Promise<object | undefined>
  /** Every id of a schema that stands in the log. */
  readonly schemaIds: readonly number[]
}

export const keyOf = ({ symbol, interval, start }: Pick<Candle, 'symbol' | 'interval' | 'start'>): string =>
  `${symbol} ${interval} ${start}`

export async function createReference(options: ReferenceOptions): Promise<Reference> {
  const { partition, ticks, history } = options
  const [symbols, lines] = [new Interner(), new Interner()]
  const decoder = createTickColumnDecoder({
    symbols,
    lines,
    fetchSchema: options.fetchSchema,
    rowsMax: 1,
    compile: false,
  })
  for (const id of options.schemaIds) await decoder.resolveSchema(id)
  const rows = new Map<string, Candle>()
  const refused: string[] = []
  const entries: OracleEntry[] = []
  let changed = new Set<string>()
  let next = 0
  const pipeline = createLogPipeline({
    ...{ ...options, symbols, lines },
    onCandles(found) {
      for (let i = 0; i < found.length; i++) {
        const candle = candleOf(found, i, symbols.name(found.symbol[i] ?? 0))
        rows.set(keyOf(candle), candle)
        changed.add(keyOf(candle))
      }
    },
    onRefused: ({ offset, reason }) => refused.push(`${offset} ${reason}`),
  })

  /** What the marker stands for, as its record says. */
  const inputOf = (upTo: number): HistoryInput | undefined => {
    const needs = pipeline.historyNeeds
    if (needs === undefined || upTo <= needs.appliedTo()) return undefined
    const input = { segments: [] as HistorySegment[], refused: [] as { offset: number; detail: string }[] }
    for (const { offset, value } of history.written.slice(needs.appliedTo(), upTo)) {
      const decoded = options.decodeHistory(value)
      if (typeof decoded === 'string') input.refused.push({ offset, detail: decoded })
      else input.segments.push(decoded)
    }
    const stored = needs
      .spans(input.segments)
      .flatMap(({ symbol, interval, from, to }) =>
        [...rows.values()]
          .filter((row) => row.symbol === symbol && row.interval === interval && row.start >= from && row.start < to)
          .sort((a, b) => a.start - b.start),
      )
    return { ...input, stored }
  }
  const withHistory = (batch: ColumnBatch): ColumnBatch => {
    const [placed] = batch.controls
    if (placed?.record.kind !== 'history') return batch
    pipeline.checkpoint()
    const input = inputOf(placed.record.upTo)
    if (input === undefined) return { ...batch, controls: [] }
    for (const segment of input.segments) if (symbolPattern.test(segment.symbol)) entries.push({ segment })
    return { ...batch, controls: [{ ...placed, history: input }] }
  }
  const process = (from: number, to: number): void => {
    const batch = decoder.take(partition, from, to)
    pipeline.process(withHistory(batch))
    const { columns } = batch
    for (let i = 0; i < columns.length; i++) {
      const judged = columns.verdict[i]
      if (judged !== verdict.undecided && judged !== verdict.used) continue
      const at = (column: ArrayLike<number>): number => column[i] as number
      entries.push({
        tick: {
          ...{ symbol: symbols.name(at(columns.symbol)), eventTime: at(columns.eventTime), price: at(columns.price) },
          ...{ size: at(columns.size), tradeId: at(columns.tradeId), sequence: at(columns.sequence) },
          side: sideNames[at(columns.side)] ?? 'unknown',
        },
      })
    }
  }

  return {
    rows,
    refused,
    entries,
    get counts() {
      return pipeline.counts
    },
    advance(to) {
      changed = new Set()
      for (const record of ticks.written.slice(next, to)) {
        const { offset, value, headers, appendTime } = record
        const result = decoder.push(value, 0, value?.length ?? 0, offset, appendTime, headers[controlHeader])
        invariant(result === pushed.taken, `the schema of ${partition}@${offset} is known`)
        process(offset, offset + 1)
      }
      next = Math.max(next, to)
      pipeline.checkpoint()
      return changed
    },
  }
}
