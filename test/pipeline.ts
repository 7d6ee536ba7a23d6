import { Subject } from 'rxjs'
import { type ByteWriter, createByteReader, createByteWriter, type MovedState } from '../processors/core/byte-buffer.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import { type Conservation, createConservation, type Refusal } from '../processors/core/effects.ts'
import type { PulseLimit, StreamElement, WatermarkPolicy } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import { admit } from '../processors/operators/admit.ts'
import { deduplicate } from '../processors/operators/deduplicate.ts'
import { type ToCandlesOptions, toCandles } from '../processors/operators/to-candles.ts'
import { type Candle, type EmissionKind, emissionNames } from '../schemas/candle.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import type { CoverageChange } from '../schemas/coverage.ts'
import { Interner } from '../schemas/interner.ts'
import { createColumnLog, type LogEntry } from './column-log.ts'

export interface Emitted {
  readonly kind: EmissionKind
  readonly candle: Candle
}

export interface PipelineOptions {
  readonly watermark?: Partial<WatermarkPolicy>
  /** Partitions of the topic, default 1, and which of them this is, default the first. */
  readonly partitions?: number
  readonly partition?: number
  /** Tables of symbols and lines that pipelines of one worker share; default: its own. */
  readonly worker?: TestWorker
  readonly candles?: Partial<ToCandlesOptions>
  /** Whether a symbol is held. */
  readonly isHeld?: (symbol: string) => boolean
  /** Changes of state written by earlier pipelines, oldest first, by step. */
  readonly states?: readonly ReadonlyMap<string, Uint8Array>[]
  /** Where they were written before the topic had as many partitions. */
  readonly moved?: MovedState
  /** Told of each late or duplicate tick. */
  readonly onSkipped?: (offset: number, reason: 'late' | 'duplicate') => void
}

export interface TestWorker {
  readonly symbols: Interner
  readonly lines: Interner
}

export const createTestWorker = (): TestWorker => ({ symbols: new Interner(), lines: new Interner() })

/** The candle pipeline of one partition without runtime, broker or store: what goes in is a log, what comes out is seen. */
export interface TestPipeline {
  /** Feeds a piece of the log as one batch. @returns The batch as the steps left it. */
  feed(entries: readonly LogEntry[]): ColumnBatch
  /** @param limit Bounds what it says. */
  pulse(limit?: PulseLimit): Emitted[]
  /** A checkpoint: its emissions, and the state it wrote. */
  barrier(full?: boolean): { readonly emitted: Emitted[]; readonly state: ReadonlyMap<string, Uint8Array> }
  openCandles(symbol: string, intervalSeconds: number): Candle[]
  readonly counts: Conservation
  readonly refusals: readonly Refusal[]
  readonly alarms: readonly string[]
  /** What became known of the time of symbols. */
  readonly coverage: readonly CoverageChange[]
}

export function createTestPipeline(options: PipelineOptions = {}): TestPipeline {
  const { symbols: interner, lines: lineNames } = options.worker ?? createTestWorker()
  const { partition = 0, partitions = 1 } = options
  const refusals: Refusal[] = []
  const alarms: string[] = []
  const coverage: CoverageChange[] = []
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
      partition,
      partitions,
      symbols: createSymbolIndex(interner),
      lines: createSymbolIndex(lineNames),
      watermark: { outOfOrdernessMs: 500, idleAfterMs: 5000, futureBoundMs: 60_000, ...options.watermark },
      effects: {
        counts,
        deadLetter: (refusal) => refusals.push(refusal),
        skipped: (offset, _symbol, reason) => options.onSkipped?.(offset, reason),
        refuse: ({ result, detail }) => alarms.push(`${result}: ${detail}`),
        coverage: (symbol, from, to, kind) => coverage.push({ symbol: interner.name(symbol), from, to, kind }),
        takeOutcome: () => undefined,
        alarm: (name) => alarms.push(name),
      },
      restored: (id) =>
        (options.states ?? []).flatMap((state) =>
          state.has(id) ? [createByteReader(state.get(id) ?? new Uint8Array(), options.moved)] : [],
        ),
      isHeld: (symbol) => options.isHeld?.(interner.name(symbol)) ?? false,
      offerOpenCandles: (open) => {
        readOpen = open
      },
    },
  })
  const log = createColumnLog(interner, lineNames, partition)
  const take = (): Emitted[] => emitted.splice(0)
  return {
    feed(entries) {
      const rows = log.batch(entries)
      input.next({ kind: 'rows', rows })
      return rows
    },
    pulse(limit) {
      input.next({ kind: 'pulse', now: 0, ...(limit && { limit }) })
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
    coverage,
  }
}

import { createCandleColumns as createRows } from '../schemas/candle-columns.ts'
