import type { PartitionCheckpoint, PartitionCommit, Quarantine } from '../ports/candle-store.ts'
import { candleOf, copyCandles } from '../processors/core/candle-rows.ts'
import { conservationBreach, createConservation, type Effects } from '../processors/core/effects.ts'
import type { HistoryNeeds, OpenCandles, PulseLimit } from '../processors/core/stream-element.ts'
import { createSymbolIndex } from '../processors/core/symbol-index.ts'
import type { Candle } from '../schemas/candle.ts'
import { type CandleColumns, createCandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch, PlacedControl } from '../schemas/columns.ts'
import type { CoverageChange } from '../schemas/coverage.ts'
import type { DeadLetter, LateRange } from '../schemas/dead-letter.ts'
import { invariant } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import type { Topology } from './candle-topology.ts'
import { createHeldKeys } from './held-keys.ts'
import type { HeldReplay, Replayed } from './held-replay.ts'
import type { HistoryReader } from './history-reader.ts'
import { createLateRanges } from './late-ranges.ts'
import type { NamedCandles } from './named-candles.ts'
import { packOutbox } from './outbox.ts'
import { piecesOf } from './pieces.ts'
import { createPipelineHost } from './pipeline-host.ts'
import type { PreparedCommit, Runner, Suspect } from './stage.ts'

/** A commit of one partition, with the finals and corrections that are owed to the topics. */
export interface PreparedCandles extends PreparedCommit {
  readonly finals: NamedCandles
  /** Offset of `ticks.history` from which on it is still needed. */
  readonly historyFrom: number
}

/** One partition of ticks under one epoch. */
export interface PartitionRunner extends Runner<ColumnBatch, PreparedCandles> {
  /** Updates of open candles that are due; the rows are reused. `now` is the wall clock, epoch ms. */
  pulse(now: number, limit?: PulseLimit): CandleColumns
  /** Every candle of a channel that is not final and committed, ascending by start. */
  open(symbol: number, intervalSeconds: number): Candle[]
  /** The commit in flight is durable and published. */
  settled(): void
  /** No commit is in flight. */
  readonly isSettled: boolean
  /** Finals and corrections of the commit in flight: they are not told yet. */
  readonly owed: number
  /** Every symbol that this partition has seen, as the worker's ids. */
  symbols(): number[]
  /** Offset of `ticks.history` from which on it is still needed. */
  readonly historyFrom: number
}

export interface PartitionRunnerOptions {
  readonly topology: Topology
  readonly topic: string
  /** Partitions of the topic. */
  readonly partitions: number
  readonly checkpoint: PartitionCheckpoint
  readonly symbols: Interner
  readonly lines: Interner
  readonly history: HistoryReader
  /** Keys to hold from the checkpoint on. */
  readonly suspects: readonly Suspect[]
  readonly replay: HeldReplay
  onAlarm(name: string): void
}

/** A candle takes some 200 bytes of a commit: so many count as one more that waits, and `pendingMax` of them are 40 MB. */
const candlesPerPending = 20

export function createPartitionRunner(options: PartitionRunnerOptions): PartitionRunner {
  // What the runner goes on using, one by one: `options` would keep the checkpoint's states for as long as it lives.
  const { topology, topic, partitions, checkpoint, symbols, history, replay, onAlarm } = options
  const { partition, epoch } = checkpoint
  const index = createSymbolIndex(symbols)
  let { nextOffset, commitNo, lastSeq } = checkpoint
  let committedOffset = checkpoint.nextOffset
  let counts = createConservation()
  let letters: DeadLetter[] = []
  let late = createLateRanges()
  let coverage: CoverageChange[] = []
  let readOpen: OpenCandles | undefined
  let historyNeeds: HistoryNeeds | undefined
  /** Candles of the commit in flight: they are in no table yet, and no longer open. */
  let inFlight = nothingInFlight
  let owed = 0
  let out = createCandleColumns()
  const openRows = createCandleColumns(8)
  const held = createHeldKeys({ checkpoint, suspects: options.suspects, symbols })
  let replayed: { readonly offset: number; readonly result: Replayed } | undefined
  /** A release that came to something: the whole of the next commit. */
  let release: { readonly symbol: string; readonly result: Extract<Replayed, { isDone: true }> } | undefined

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
    refuse: ({ offset, key, stepId, detail }) =>
      effects.deadLetter({ offset, reason: 'USER_ERROR', detail: `${stepId}: ${detail}`, symbol: key }),
    coverage: (symbol, from, to, kind) => coverage.push({ symbol: symbols.name(symbol), from, to, kind }),
    takeOutcome: () => undefined,
    alarm: onAlarm,
  }

  const host = createPipelineHost({
    pipeline: topology.pipeline,
    states: checkpoint.states,
    context: {
      partition,
      partitions,
      symbols: index,
      lines: createSymbolIndex(options.lines),
      watermark: topology.watermark,
      effects,
      ...(held.size === 0 ? {} : { isHeld: held.isHeld }),
      offerOpenCandles(open) {
        readOpen = open
      },
      offerHistory(needs) {
        historyNeeds = needs
      },
    },
    onElement(element) {
      if (element.kind === 'rows') copyCandles(out, element.rows, element.rows.length)
    },
  })

  const appliedTo = (): number => historyNeeds?.appliedTo() ?? 0
  held.keep(appliedTo())
  const tellHeld = (offset: number, symbol: string, detail: string): void =>
    effects.deadLetter({ offset, reason: 'QUARANTINED', symbol, detail })
  for (const { failedAt, symbol, error } of held.added) tellHeld(failedAt, symbol, error)

  /** The key that the first record of a batch releases; one that was written before the key failed releases nothing. */
  const releasedBy = ({ offset, record }: PlacedControl): Quarantine | undefined => {
    const found = record.kind === 'release' ? held.get(record.symbol) : undefined
    return found !== undefined && found.failedAt < offset ? found : undefined
  }
  /** @returns Whether the key is released: the batch ends there. */
  const isReleasedAt = (placed: PlacedControl): boolean => {
    const key = releasedBy(placed)
    if (key === undefined) return false
    invariant(replayed?.offset === placed.offset, () => `the release at ${placed.offset} comes with what it judged`)
    const { result } = replayed
    if (!result.isDone) {
      tellHeld(placed.offset, key.symbol, `the release did not work: ${result.why}`)
      return false
    }
    release = { symbol: key.symbol, result }
    for (const refusal of result.refusals) effects.deadLetter(refusal)
    counts.in += 1
    counts.control += 1
    nextOffset = placed.offset + 1
    return true
  }

  const takeRows = (): CandleColumns => {
    const rows = out
    out = createCandleColumns(Math.max(rows.length, 1))
    return rows
  }

  const withHistory = async (batch: ColumnBatch, needs: HistoryNeeds): Promise<ColumnBatch> => {
    const [placed, ...others] = batch.controls
    if (placed?.record.kind !== 'history') return batch
    const found = await history.read(partition, placed.record.upTo, needs)
    return found === undefined ? batch : { ...batch, controls: [{ ...placed, history: found }, ...others] }
  }

  return {
    partition,
    epoch,
    get nextOffset() {
      return nextOffset
    },
    get pending() {
      return letters.length + late.size + coverage.length + Math.floor(out.length / candlesPerPending)
    },
    get hasNews() {
      return nextOffset > committedOffset || held.added.length > 0
    },
    get heldKeys() {
      return held.size
    },
    get heldFrom() {
      return held.from
    },
    get isSpent() {
      return release !== undefined
    },
    enrich(batch) {
      const [placed] = batch.controls
      const key = placed === undefined ? undefined : releasedBy(placed)
      if (placed !== undefined && key !== undefined)
        return async () => {
          replayed = { offset: placed.offset, result: await replay(partition, key, placed.offset) }
          return batch
        }
      const needs = historyNeeds
      if (needs === undefined || batch.controls[0]?.record.kind !== 'history') return undefined
      return () => withHistory(batch, needs)
    },
    process(batch) {
      // What was passed over would be committed as done.
      invariant(
        batch.baseOffset === nextOffset,
        () => `a batch goes on from offset ${nextOffset}, was ${batch.baseOffset}`,
      )
      const [placed] = batch.controls
      if (placed !== undefined && isReleasedAt(placed)) return
      host.push({ kind: 'rows', rows: batch })
      nextOffset = batch.nextOffset
    },
    pieces: (batch) => piecesOf(batch, (id) => symbols.name(id)),
    pulse(now, limit) {
      invariant(out.length === 0, 'rows are taken as they are made')
      host.push({ kind: 'pulse', now, ...(limit && { limit }) })
      return out.length === 0 ? out : takeRows()
    },
    prepare(outboxAckedThrough) {
      // Nothing happened since the last commit but the release: its changes lie above the state that is stored.
      const { state, stateFull } =
        release === undefined ? host.checkpoint() : { state: release.result.state, stateFull: false }
      const candles = release === undefined ? takeRows() : release.result.rows
      for (let i = 0; i < candles.length; i++) candles.seq[i] = ++lastSeq
      const finals: NamedCandles = { rows: candles, symbolName: (id) => symbols.name(id) }
      const deadLetters = letters
      const lateRanges: readonly LateRange[] = [
        ...late.take(partition, (id) => symbols.name(id)),
        ...(release?.result.lateRanges ?? []),
      ]
      const taken = counts
      const breach = conservationBreach(taken)
      if (breach !== 0) onAlarm('conservation_breach')
      letters = []
      late = createLateRanges()
      const known = [...coverage, ...(release?.result.coverage ?? [])]
      coverage = []
      counts = createConservation()
      commitNo += 1
      const previousOffset = committedOffset
      committedOffset = nextOffset
      inFlight = once(() => bySymbol(candles))
      owed = candles.length
      const outbox = once(() => packOutbox({ finals, deadLetters }))
      const commit: PartitionCommit = {
        partition,
        epoch,
        previousOffset,
        nextOffset,
        commitNo,
        lastSeq,
        candles,
        symbolName: finals.symbolName,
        state,
        stateFull,
        get outbox() {
          return outbox()
        },
        outboxAckedThrough,
        deadLetters,
        lateRanges,
        coverage: known,
        held: held.takeAdded(),
        released: release === undefined ? [] : [release.symbol],
      }
      return { commit, deadLetters, counts: taken, historyFrom: held.historyFrom(appliedTo()), finals }
    },
    open(symbol, intervalSeconds) {
      openRows.length = 0
      readOpen?.(symbol, intervalSeconds, openRows)
      const name = symbols.name(symbol)
      const { rows, of } = inFlight()
      // The usual case, and it is asked for with each write of a snapshot.
      if (rows.length === 0 && openRows.length === 1) return [candleOf(openRows, 0, name)]
      const byStart = new Map<number, Candle>()
      for (const i of of(symbol))
        if (rows.interval[i] === intervalSeconds) byStart.set(rows.start[i] as number, candleOf(rows, i, name))
      for (let i = 0; i < openRows.length; i++) byStart.set(openRows.start[i] ?? 0, candleOf(openRows, i, name))
      return [...byStart.values()].sort((a, b) => a.start - b.start)
    },
    settled() {
      inFlight = nothingInFlight
      owed = 0
    },
    get isSettled() {
      return inFlight === nothingInFlight
    },
    get owed() {
      return owed
    },
    get historyFrom() {
      return held.historyFrom(appliedTo())
    },
    symbols: () => Array.from({ length: index.size }, (_, local) => index.globalOf(local)),
  }
}

/** Candles, and which of them are a symbol's: their places, in order. */
interface CandlesBySymbol {
  readonly rows: CandleColumns
  of(symbol: number): Iterable<number>
}

const noCandles: CandlesBySymbol = { rows: createCandleColumns(1), of: () => [] }
const nothingInFlight = (): CandlesBySymbol => noCandles

/** Makes a value when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** At the end of a day these are many: a chain through the rows takes no object for each. */
function bySymbol(rows: CandleColumns): CandlesBySymbol {
  const first = new Map<number, number>()
  /** The symbol's next row, or -1. */
  const next = new Int32Array(rows.length)
  for (let i = rows.length - 1; i >= 0; i--) {
    const symbol = rows.symbol[i] as number
    next[i] = first.get(symbol) ?? -1
    first.set(symbol, i)
  }
  return {
    rows,
    *of(symbol) {
      for (let i = first.get(symbol) ?? -1; i >= 0; i = next[i] as number) yield i
    },
  }
}
