import { Subject } from 'rxjs'
import type { PartitionCheckpoint, PartitionCommit } from '../ports/candle-store.ts'
import { type ByteReader, type ByteWriter, createByteWriter } from '../processors/core/byte-buffer.ts'
import { candleOf, copyCandle } from '../processors/core/candle-rows.ts'
import { type Conservation, conservationBreach, createConservation, type Effects } from '../processors/core/effects.ts'
import type { OpenCandles, StreamElement } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import { type Candle, type Emission, emissionNames } from '../schemas/candle.ts'
import { type CandleColumns, createCandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import type { DeadLetter, LateRange } from '../schemas/dead-letter.ts'
import { FatalError, invariant, messageOf } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import { createLateRanges } from './late-ranges.ts'
import { packOutbox } from './outbox.ts'
import { packSections, unpackSections } from './packed-state.ts'
import type { Topology } from './topology.ts'

/** A full image of the state replaces the changes after this many commits, or this many bytes of changes. */
export const fullImageEvery = { commits: 64, bytes: 64 * 1024 * 1024 } as const

/** A commit of one partition, with what is owed to the topics once it is durable. */
export interface PreparedCommit {
  readonly commit: PartitionCommit
  readonly finals: readonly Omit<Emission, 'e' | 'q'>[]
  readonly deadLetters: readonly DeadLetter[]
  readonly counts: Conservation
}

/** One partition under one epoch: its pipeline and what it has done since the last commit. */
export interface PartitionRunner {
  readonly partition: number
  readonly epoch: number
  /** Offset of the next record to process. */
  readonly nextOffset: number
  /** Rows and dead letters that wait for a commit. */
  readonly pending: number
  readonly hasNews: boolean
  process(batch: ColumnBatch): void
  /** Updates of open candles since the last pulse; the rows are reused. */
  pulse(): CandleColumns
  /** Takes everything since the last commit. `outboxAckedThrough`: the topics have what commits up to it owed. */
  prepare(outboxAckedThrough: number): PreparedCommit
  /** Every candle of a channel that is not final and committed, ascending by start. */
  open(symbol: number, intervalSeconds: number): Candle[]
  /** The commit in flight is durable and published. */
  settled(): void
  /** Every symbol that this partition has seen, as the worker's ids. */
  symbols(): number[]
}

export interface PartitionRunnerOptions {
  readonly topology: Topology
  readonly topic: string
  /** Partitions of the topic. */
  readonly partitions: number
  readonly checkpoint: PartitionCheckpoint
  readonly symbols: Interner
  readonly lines: Interner
  onAlarm(name: string): void
}

export function createPartitionRunner(options: PartitionRunnerOptions): PartitionRunner {
  const { topology, topic, checkpoint, symbols, onAlarm } = options
  const { partition, epoch } = checkpoint
  const index = createSymbolIndex(symbols)
  let { nextOffset, commitNo, lastSeq } = checkpoint
  let committedOffset = checkpoint.nextOffset
  let counts = createConservation()
  let letters: DeadLetter[] = []
  let late = createLateRanges()
  let commitsSinceImage = checkpoint.states.length
  let bytesSinceImage = checkpoint.states.reduce((sum, state) => sum + state.length, 0)
  let readOpen: OpenCandles | undefined
  /** Candles of the commit in flight, by channel: they are in no table yet, and no longer open. */
  let inFlight = new Map<string, Candle[]>()
  let out = createCandleColumns()
  const openRows = createCandleColumns(8)

  const effects: Effects = {
    get counts() {
      return counts
    },
    deadLetter({ offset, reason, detail, symbol, schemaId, source, payload }) {
      letters.push({
        topic,
        partition,
        offset,
        reason,
        detail: detail.slice(0, 500),
        symbol: symbol.slice(0, 64),
        schemaId: schemaId ?? null,
        source: source ?? '',
        payload: payload ?? new Uint8Array(),
      })
    },
    skipped: (offset, symbol, reason) => late.add(offset, symbol, reason),
    alarm: onAlarm,
  }

  const restoredSections = checkpoint.states.map(unpackSections)
  const input = new Subject<StreamElement<ColumnBatch>>()
  let failure: Error | undefined
  input.pipe(topology.pipeline).subscribe({
    next(element) {
      if (element.kind === 'rows') for (let i = 0; i < element.rows.length; i++) copyCandle(out, element.rows, i)
    },
    error(error: unknown) {
      failure = error instanceof Error ? error : new FatalError({ code: 'PIPELINE', message: messageOf(error) })
    },
  })
  const throwFailure = (): void => {
    if (failure !== undefined) throw failure
  }
  const push = (element: StreamElement<ColumnBatch>): void => {
    throwFailure()
    input.next(element)
    throwFailure()
  }
  push({
    kind: 'open',
    context: {
      partition,
      partitions: options.partitions,
      symbols: index,
      lines: createSymbolIndex(options.lines),
      watermark: topology.watermark,
      effects,
      restored: (stepId) =>
        restoredSections.flatMap((sections): ByteReader[] => {
          const reader = sections.get(stepId)
          return reader === undefined ? [] : [reader]
        }),
      offerOpenCandles(open) {
        readOpen = open
      },
    },
  })

  const takeRows = (): CandleColumns => {
    const rows = out
    out = createCandleColumns()
    return rows
  }
  const packState = (isFull: boolean): Uint8Array => {
    const sections = new Map<string, ByteWriter>()
    const state = (stepId: string): ByteWriter => {
      const writer = sections.get(stepId) ?? createByteWriter()
      sections.set(stepId, writer)
      return writer
    }
    push({ kind: 'barrier', barrier: { full: isFull, state } })
    return packSections(sections)
  }

  return {
    partition,
    epoch,
    get nextOffset() {
      return nextOffset
    },
    get pending() {
      return letters.length + late.size
    },
    get hasNews() {
      return nextOffset > committedOffset
    },
    process(batch) {
      invariant(batch.baseOffset >= nextOffset, `a batch goes on from offset ${nextOffset}, was ${batch.baseOffset}`)
      push({ kind: 'rows', rows: batch })
      nextOffset = batch.nextOffset
    },
    pulse() {
      invariant(out.length === 0, 'rows are taken as they are made')
      push({ kind: 'pulse' })
      return out.length === 0 ? out : takeRows()
    },
    prepare(outboxAckedThrough) {
      const stateFull =
        commitsSinceImage === 0 || commitsSinceImage >= fullImageEvery.commits || bytesSinceImage > fullImageEvery.bytes
      const state = packState(stateFull)
      commitsSinceImage = stateFull ? 1 : commitsSinceImage + 1
      bytesSinceImage = stateFull ? 0 : bytesSinceImage + state.length
      const candles = takeRows()
      const finals = Array.from({ length: candles.length }, (_, i) => {
        candles.seq[i] = ++lastSeq
        return {
          kind: emissionNames[candles.kind[i] ?? 1] ?? 'final',
          candle: candleOf(candles, i, symbols.name(candles.symbol[i] ?? 0)),
        }
      })
      const deadLetters = letters
      const lateRanges: readonly LateRange[] = late.take(partition, (id) => symbols.name(id))
      const taken = counts
      const breach = conservationBreach(taken)
      if (breach !== 0) onAlarm('conservation_breach')
      letters = []
      late = createLateRanges()
      counts = createConservation()
      commitNo += 1
      const previousOffset = committedOffset
      committedOffset = nextOffset
      inFlight = byChannel(finals.map(({ candle }) => candle))
      const commit: PartitionCommit = {
        partition,
        epoch,
        previousOffset,
        nextOffset,
        commitNo,
        lastSeq,
        candles,
        symbolName: (id) => symbols.name(id),
        state,
        stateFull,
        outbox: packOutbox({ finals, deadLetters }),
        outboxAckedThrough,
        deadLetters,
        lateRanges,
      }
      return { commit, finals, deadLetters, counts: taken }
    },
    open(symbol, intervalSeconds) {
      openRows.length = 0
      readOpen?.(symbol, intervalSeconds, openRows)
      const name = symbols.name(symbol)
      const byStart = new Map<number, Candle>()
      for (const candle of inFlight.get(`${name}|${intervalSeconds}`) ?? []) byStart.set(candle.start, candle)
      for (let i = 0; i < openRows.length; i++) byStart.set(openRows.start[i] ?? 0, candleOf(openRows, i, name))
      return [...byStart.values()].sort((a, b) => a.start - b.start)
    },
    settled() {
      inFlight = new Map()
    },
    symbols: () => Array.from({ length: index.size }, (_, local) => index.globalOf(local)),
  }
}

function byChannel(candles: readonly Candle[]): Map<string, Candle[]> {
  const channels = new Map<string, Candle[]>()
  for (const candle of candles) {
    const key = `${candle.symbol}|${candle.interval}`
    const known = channels.get(key)
    if (known === undefined) channels.set(key, [candle])
    else known.push(candle)
  }
  return channels
}
