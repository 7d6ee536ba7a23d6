import type { Broker } from '../ports/broker.ts'
import type { Quarantine } from '../ports/candle-store.ts'
import { candleOf, copyCandle } from '../processors/core/candle-rows.ts'
import { createConservation, type Effects, type Refusal } from '../processors/core/effects.ts'
import type { HistoryNeeds } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import type { Candle } from '../schemas/candle.ts'
import { type CandleColumns, createCandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch, TickDecoder } from '../schemas/columns.ts'
import type { CoverageChange } from '../schemas/coverage.ts'
import type { LateRange } from '../schemas/dead-letter.ts'
import { messageOf, TransientError } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import type { Topology } from './candle-topology.ts'
import { readHeldRange } from './held-range.ts'
import type { HistoryReader } from './history-reader.ts'
import { createLateRanges } from './late-ranges.ts'
import { packStates } from './packed-state.ts'
import { createPipelineHost } from './pipeline-host.ts'

/** What became of the held records of a key. */
export type Replayed =
  | {
      readonly isDone: true
      /** What the key's records changed in the state since they are held, packed. */
      readonly state: Uint8Array
      /** Its finals and corrections, each candle once. */
      readonly rows: CandleColumns
      readonly lateRanges: readonly LateRange[]
      readonly coverage: readonly CoverageChange[]
      readonly refusals: readonly Refusal[]
    }
  | { readonly isDone: false; readonly why: string }

export interface HeldReplayOptions {
  readonly topology: Topology
  /** `ticks`. */
  readonly topic: string
  readonly partitions: number
  readonly broker: Pick<Broker, 'admin' | 'read'>
  readonly symbols: Interner
  readonly lines: Interner
  readonly history: HistoryReader
  /** One of its own: it runs beside the one of the subscription. */
  makeDecoder(): TickDecoder
}

/**
 * Judges the held records of a key by the state that was kept, with the watermarks as they were along the way: the whole
 * range of the log goes through a pipeline of its own in which every other key is held.
 *
 * @param upTo Offset of the release, exclusive.
 * @throws {TransientError} The broker, the registry or the store cannot be reached.
 */
export type HeldReplay = (partition: number, held: Quarantine, upTo: number) => Promise<Replayed>

export function createHeldReplay(options: HeldReplayOptions): HeldReplay {
  return async (partition, held, upTo) => {
    const side = createSide(options, partition, held)
    try {
      const { topic, broker } = options
      const range = { topic, broker, decoder: options.makeDecoder(), partition, from: held.heldFrom, upTo }
      await readHeldRange(range, side.take)
      return side.finish()
    } catch (error) {
      if (error instanceof TransientError) throw error
      return { isDone: false, why: messageOf(error) }
    }
  }
}

interface Side {
  take(batch: ColumnBatch): Promise<void> | undefined
  finish(): Replayed
}

function createSide(options: HeldReplayOptions, partition: number, held: Quarantine): Side {
  const { topology, symbols } = options
  const own = symbols.internName(held.symbol)
  const late = createLateRanges()
  const coverage: CoverageChange[] = []
  const states: Uint8Array[] = []
  const refusals: Refusal[] = []
  const rows = createCandleColumns()
  let needs: HistoryNeeds | undefined
  // Refused records and alarms were told when they were held; the records are counted.
  const effects: Effects = {
    counts: createConservation(),
    // Segments of the key are judged here alone.
    deadLetter(refusal) {
      if (refusal.reason === 'BAD_HISTORY' && refusal.symbol === held.symbol) refusals.push(refusal)
    },
    skipped: (offset, symbol, reason) => late.add(offset, symbol, reason),
    refuse: () => undefined,
    takeOutcome: () => undefined,
    coverage: (symbol, from, to, kind) => coverage.push({ symbol: symbols.name(symbol), from, to, kind }),
    alarm: () => undefined,
  }
  const host = createPipelineHost({
    pipeline: topology.pipeline,
    states: [held.state],
    context: {
      partition,
      partitions: options.partitions,
      symbols: createSymbolIndex(symbols),
      lines: createSymbolIndex(options.lines),
      watermark: topology.watermark,
      effects,
      isHeld: (symbol) => symbol !== own,
      offerHistory(offered) {
        needs = offered
      },
    },
    onElement(element) {
      if (element.kind !== 'rows') return
      for (let i = 0; i < element.rows.length; i++)
        if (element.rows.symbol[i] === own) copyCandle(rows, element.rows, i)
    },
  })
  /** The store knows the key as it was when it was held: what came of it since lies above. */
  const withOwnRows = (stored: readonly Candle[]): readonly Candle[] => {
    const byKey = new Map(stored.map((candle) => [`${candle.symbol} ${candle.interval} ${candle.start}`, candle]))
    for (let i = 0; i < rows.length; i++) {
      const candle = candleOf(rows, i, held.symbol)
      byKey.set(`${candle.symbol} ${candle.interval} ${candle.start}`, candle)
    }
    return [...byKey.values()]
  }
  const takeHistory = async (batch: ColumnBatch, upTo: number, known: HistoryNeeds): Promise<void> => {
    states.push(host.changes())
    const input = await options.history.read(partition, upTo, known)
    const [placed, ...others] = batch.controls
    if (input === undefined || placed === undefined) host.push({ kind: 'rows', rows: batch })
    else {
      const history = { ...input, stored: withOwnRows(input.stored) }
      host.push({ kind: 'rows', rows: { ...batch, controls: [{ ...placed, history }, ...others] } })
    }
  }
  return {
    take(batch) {
      const first = batch.controls[0]?.record
      if (first?.kind === 'history' && needs !== undefined) return takeHistory(batch, first.upTo, needs)
      host.push({ kind: 'rows', rows: batch })
      return undefined
    },
    finish() {
      states.push(host.changes())
      return {
        isDone: true,
        state: packStates(states),
        rows: newestOf(rows),
        lateRanges: late.take(partition, (id) => symbols.name(id)),
        coverage,
        refusals,
      }
    },
  }
}

/** Each candle once, as it was told last; a candle that was not told before is a final, however it changed since. */
function newestOf(rows: CandleColumns): CandleColumns {
  const firsts = new Map<string, number>()
  const lasts = new Map<string, number>()
  for (let i = 0; i < rows.length; i++) {
    const key = `${rows.interval[i]} ${rows.start[i]}`
    if (!firsts.has(key)) firsts.set(key, i)
    lasts.set(key, i)
  }
  const newest = createCandleColumns(Math.max(1, lasts.size))
  for (const [key, i] of lasts) {
    copyCandle(newest, rows, i)
    newest.kind[newest.length - 1] = rows.kind[firsts.get(key) ?? i] ?? 1
  }
  return newest
}
