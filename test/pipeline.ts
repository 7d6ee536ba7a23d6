import { Subject } from 'rxjs'
import { type ByteWriter, createByteReader, createByteWriter } from '../processors/core/byte-buffer.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import { type Conservation, createConservation, type Refusal } from '../processors/core/effects.ts'
import type { StreamElement, WatermarkPolicy } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import { admit } from '../processors/operators/admit.ts'
import { deduplicate } from '../processors/operators/deduplicate.ts'
import { type ToCandlesOptions, toCandles } from '../processors/operators/to-candles.ts'
import { type Candle, type EmissionKind, emissionNames } from '../schemas/candle.ts'
import { type ColumnBatch, createTickColumns, type PlacedControl } from '../schemas/columns.ts'
import type { ControlRecord } from '../schemas/control.ts'
import { Interner } from '../schemas/interner.ts'
import { idOrder, side, type Tick } from '../schemas/tick.ts'

export type LogEntry =
  | { readonly tick: Tick; readonly appendTime?: number }
  | { readonly control: ControlRecord; readonly appendTime?: number }

export interface Emitted {
  readonly kind: EmissionKind
  readonly candle: Candle
}

export interface PipelineOptions {
  readonly watermark?: Partial<WatermarkPolicy>
  /** Partitions of the topic, of which this is the first; default 1. */
  readonly partitions?: number
  readonly candles?: Partial<ToCandlesOptions>
  /** Changes of state written by earlier pipelines, oldest first, by step. */
  readonly states?: readonly ReadonlyMap<string, Uint8Array>[]
  /** Told of each late or duplicate tick. */
  readonly onSkipped?: (offset: number, reason: 'late' | 'duplicate') => void
}

/** The candle pipeline of one partition without runtime, broker or store: what goes in is a log, what comes out is seen. */
export interface TestPipeline {
  /** Feeds a piece of the log as one batch. */
  feed(entries: readonly LogEntry[]): void
  pulse(): Emitted[]
  /** A checkpoint: its emissions, and the state it wrote. */
  barrier(full?: boolean): { readonly emitted: Emitted[]; readonly state: ReadonlyMap<string, Uint8Array> }
  openCandles(symbol: string, intervalSeconds: number): Candle[]
  readonly counts: Conservation
  readonly refusals: readonly Refusal[]
  readonly alarms: readonly string[]
}

const farPast = Number.MAX_SAFE_INTEGER

export function createTestPipeline(options: PipelineOptions = {}): TestPipeline {
  const interner = new Interner()
  const lineNames = new Interner()
  const refusals: Refusal[] = []
  const alarms: string[] = []
  const counts = createConservation()
  const emitted: Emitted[] = []
  let readOpen:
    | ((symbol: number, interval: number, rows: import('../schemas/candle-columns.ts').CandleColumns) => void)
    | undefined
  const input = new Subject<StreamElement<ColumnBatch>>()
  input
    .pipe(
      admit(),
      deduplicate('by-trade', { within: '10m' }),
      toCandles('candles', {
        base: '1m',
        rollUp: ['5m', '15m', '30m', '1h', '4h', '1d'],
        allowedLateness: '2m',
        emitEvery: '100ms',
        ...options.candles,
      }),
    )
    .subscribe((element) => {
      if (element.kind !== 'rows') return
      const { rows } = element
      for (let i = 0; i < rows.length; i++) {
        const kind = emissionNames[rows.kind[i] as number]
        if (kind === undefined) throw new RangeError('an emission has a kind')
        emitted.push({ kind, candle: candleOf(rows, i, interner.name(rows.symbol[i] as number)) })
      }
    })
  input.next({
    kind: 'open',
    context: {
      partition: 0,
      partitions: options.partitions ?? 1,
      symbols: createSymbolIndex(interner),
      lines: createSymbolIndex(lineNames),
      watermark: { outOfOrdernessMs: 500, idleAfterMs: 5000, futureBoundMs: 60_000, ...options.watermark },
      effects: {
        counts,
        deadLetter: (refusal) => refusals.push(refusal),
        skipped: (offset, _symbol, reason) => options.onSkipped?.(offset, reason),
        alarm: (name) => alarms.push(name),
      },
      restored: (id) =>
        (options.states ?? []).flatMap((state) =>
          state.has(id) ? [createByteReader(state.get(id) ?? new Uint8Array())] : [],
        ),
      offerOpenCandles: (open) => {
        readOpen = open
      },
    },
  })
  let offset = 0
  const take = (): Emitted[] => emitted.splice(0)
  return {
    feed(entries) {
      const columns = createTickColumns(Math.max(1, entries.length))
      const controls: PlacedControl[] = []
      const baseOffset = offset
      for (const entry of entries) {
        const appendTime = entry.appendTime ?? farPast - 1e9
        if ('control' in entry) {
          controls.push({ row: columns.length, offset: offset++, appendTime, record: entry.control })
          continue
        }
        const i = columns.length++
        const { tick } = entry
        columns.offset[i] = offset++
        columns.appendTime[i] = appendTime
        columns.symbol[i] = interner.internName(tick.symbol)
        columns.line[i] = lineNames.internName(tick.line)
        columns.eventTime[i] = tick.eventTime
        columns.price[i] = tick.price
        columns.size[i] = tick.size
        columns.side[i] = side[tick.side]
        columns.idOrder[i] = idOrder[tick.idOrder]
        columns.tradeId[i] = tick.tradeId
        columns.sequence[i] = tick.sequence
      }
      input.next({
        kind: 'rows',
        rows: { partition: 0, baseOffset, nextOffset: offset, columns, controls, refused: [] },
      })
    },
    pulse() {
      input.next({ kind: 'pulse' })
      return take()
    },
    barrier(full = false) {
      const writers = new Map<string, ByteWriter>()
      const state = (id: string): ByteWriter => {
        const writer = writers.get(id) ?? createByteWriter()
        writers.set(id, writer)
        return writer
      }
      input.next({ kind: 'barrier', barrier: { full, state } })
      return { emitted: take(), state: new Map([...writers].map(([id, writer]) => [id, writer.finish()])) }
    },
    openCandles(symbol, intervalSeconds) {
      const before = emitted.length
      const rows = createRows()
      readOpen?.(interner.internName(symbol), intervalSeconds, rows)
      if (emitted.length !== before) throw new RangeError('reading open candles emits nothing')
      return Array.from({ length: rows.length }, (_, i) => candleOf(rows, i, symbol))
    },
    counts,
    refusals,
    alarms,
  }
}

import { createCandleColumns as createRows } from '../schemas/candle-columns.ts'
