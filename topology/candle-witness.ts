import { candleOf } from '../processors/core/candle-rows.ts'
import type { Refusal } from '../processors/core/effects.ts'
import { type Candle, type ClosedBy, closedByNames } from '../schemas/candle.ts'
import { type ColumnBatch, verdict } from '../schemas/columns.ts'
import type { Interner } from '../schemas/interner.ts'
import { type Side, sideNames } from '../schemas/tick.ts'
import type { LogPipeline } from './log-pipeline.ts'

/** Trade ids around a window whose first offset is remembered. */
const idsMax = 1_000_000
/** Ids of ticks this far from the window are remembered too: a repetition may carry another time. */
const idsAroundMs = 600_000

/** A tick as it stands in the log. */
export interface SeenTick {
  readonly offset: number
  readonly eventTime: number
  readonly price: number
  readonly size: number
  readonly side: Side
  readonly tradeId: number
  /** Why it was refused or late, or which offset had its id first; empty for others. */
  readonly note: string
}

/** Ticks of one kind: how many, where, and the first of them. */
export interface SeenTicks {
  count: number
  firstOffset: number | undefined
  lastOffset: number | undefined
  readonly ticks: SeenTick[]
}

/** What closed a window. */
export interface WindowClose {
  /** Of the record that did it. */
  readonly offset: number
  readonly record: string
  readonly by: ClosedBy
  /** Watermark of the symbol's line then, epoch ms; undefined before its first tick. */
  readonly watermark: number | undefined
}

/** What is seen of one candle while its partition's log goes by, one record a batch. */
export interface CandleWitness {
  saw(batch: ColumnBatch, pipeline: LogPipeline): void
  refused(refusal: Refusal): void
  readonly used: SeenTicks
  readonly late: SeenTicks
  readonly duplicate: SeenTicks
  readonly rejected: SeenTicks
  /** Records of the partition that were no tick at all, between the candle's first tick and its last. */
  readonly unreadable: number
  /** Ticks used after the window had closed. */
  readonly corrections: number
  readonly close: WindowClose | undefined
  /** Offsets of the markers that brought history of the window's time. */
  readonly history: readonly number[]
  /** The candle as it stands while it is open. */
  readonly open: Candle | undefined
  readonly knowsSymbol: boolean
}

export interface CandleWitnessOptions {
  readonly window: {
    /** Id in `symbols`. */
    readonly symbol: number
    /** Seconds. */
    readonly interval: number
    readonly start: number
    readonly end: number
    /** Whether ticks go into it without a shorter window between. */
    readonly isBase: boolean
  }
  readonly symbols: Interner
  readonly lines: Interner
  readonly outOfOrdernessMs: number
  /** Ticks of each kind that are kept, at most. */
  readonly limit: number
}

/** An instant as text; what is no instant as it is. */
export function iso(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms)
}

const none = (): SeenTicks => ({ count: 0, firstOffset: undefined, lastOffset: undefined, ticks: [] })

function recordText({ columns, controls }: ColumnBatch, symbols: Interner): string {
  const [control] = controls
  if (control !== undefined) {
    const { record } = control
    return record.kind === 'heartbeat' ? `heartbeat up to ${iso(record.to)}` : record.kind
  }
  return `tick of ${symbols.name(columns.symbol[0] ?? 0)} at ${iso(columns.eventTime[0] ?? 0)}`
}

export function createCandleWitness(options: CandleWitnessOptions): CandleWitness {
  const { window, symbols, lines, outOfOrdernessMs, limit } = options
  const [used, late, duplicate, rejected] = [none(), none(), none(), none()]
  const kinds = new Map<number, SeenTicks>([
    [verdict.used, used],
    [verdict.undecided, used],
    [verdict.late, late],
    [verdict.duplicate, duplicate],
    [verdict.rejected, rejected],
  ])
  const firstOffsetOf = new Map<number, number>()
  /** Highest event time of each line that passed the gate. */
  const newest = new Map<number, number>()
  let line: number | undefined
  let refusal: Refusal | undefined
  let knowsSymbol = false
  let unreadable = 0
  let unreadableSince = 0
  let corrections = 0
  let close: WindowClose | undefined
  let open: Candle | undefined
  const history: number[] = []

  /** Of the symbol's line. */
  const watermark = (): number | undefined => {
    const top = line === undefined ? undefined : newest.get(line)
    return top === undefined ? undefined : top - outOfOrdernessMs - 1
  }

  const note = (offset: number, id: number, what: number): string => {
    if (what === verdict.rejected && refusal?.offset === offset) return `${refusal.reason}: ${refusal.detail}`
    if (what === verdict.late) return `the watermark was at ${iso(watermark() ?? Number.NaN)}`
    if (what !== verdict.duplicate) return ''
    const first = firstOffsetOf.get(id)
    return first === undefined ? 'first seen elsewhere' : `first at offset ${first}`
  }

  /** @returns Whether the row is a tick that the candle took. */
  const sawRow = ({ columns }: ColumnBatch): boolean => {
    const what = columns.verdict[0] ?? verdict.undecided
    const time = columns.eventTime[0] ?? 0
    const lineId = columns.line[0] ?? 0
    if (what !== verdict.rejected) newest.set(lineId, Math.max(newest.get(lineId) ?? Number.NEGATIVE_INFINITY, time))
    if (columns.symbol[0] !== window.symbol) return false
    knowsSymbol = true
    if (what !== verdict.rejected) line = lineId
    const offset = columns.offset[0] ?? 0
    const tradeId = columns.tradeId[0] ?? 0
    if (time >= window.start && time < window.end) {
      const seen = kinds.get(what) ?? used
      seen.count += 1
      seen.firstOffset ??= offset
      seen.lastOffset = offset
      unreadable = unreadableSince
      if (seen.ticks.length < limit)
        seen.ticks.push({
          ...{ offset, eventTime: time, tradeId },
          price: columns.price[0] ?? 0,
          size: columns.size[0] ?? 0,
          side: sideNames[columns.side[0] ?? 2] ?? 'unknown',
          note: note(offset, tradeId, what),
        })
    }
    const isNear = time >= window.start - idsAroundMs && time < window.end + idsAroundMs
    if (
      window.isBase &&
      isNear &&
      what !== verdict.rejected &&
      firstOffsetOf.size < idsMax &&
      !firstOffsetOf.has(tradeId)
    )
      firstOffsetOf.set(tradeId, offset)
    return (what === verdict.used || what === verdict.undecided) && time >= window.start && time < window.end
  }

  /** @returns Whether the batch is a marker with history of the window's time. */
  const sawHistory = ({ controls: [control] }: ColumnBatch): boolean => {
    const name = symbols.name(window.symbol)
    const isOurs = (control?.history?.segments ?? []).some(
      ({ symbol, bucketFrom, bucketTo }) => symbol === name && bucketFrom < window.end && bucketTo > window.start,
    )
    if (control === undefined || !isOurs) return false
    knowsSymbol = true
    history.push(control.offset)
    return true
  }

  const look = (batch: ColumnBatch, pipeline: LogPipeline): void => {
    const rows = pipeline.open(window.symbol, window.interval)
    for (let i = 0; i < rows.length; i++) {
      if (rows.start[i] !== window.start) continue
      const candle = candleOf(rows, i, symbols.name(window.symbol))
      open = candle.final ? undefined : candle
      if (!candle.final) close = undefined
      else if (close === undefined) {
        close = {
          offset: batch.baseOffset,
          record: recordText(batch, symbols),
          by: closedByNames[rows.closedBy[i] ?? 0] ?? 'open',
          watermark: watermark(),
        }
      }
    }
  }

  return {
    used,
    late,
    duplicate,
    rejected,
    saw(batch, pipeline) {
      const [control] = batch.controls
      if (control?.record.kind === 'move' && control.record.symbol === symbols.name(window.symbol))
        line = lines.internName(control.record.line)
      const isReject = batch.refused.length > 0 || control?.record.kind === 'reject'
      if (isReject && used.count > 0) unreadableSince += 1
      const wasClosed = close !== undefined
      const isTaken = batch.columns.length > 0 && sawRow(batch)
      if (isTaken && wasClosed) corrections += 1
      // A window that is closed changes by its own ticks only.
      const isReplaced = sawHistory(batch)
      if (isReplaced || (used.count > 0 && (isTaken || close === undefined))) look(batch, pipeline)
      refusal = undefined
    },
    refused(told) {
      refusal = told
    },
    get unreadable() {
      return unreadable
    },
    get corrections() {
      return corrections
    },
    get close() {
      return close
    },
    history,
    get open() {
      return open
    },
    get knowsSymbol() {
      return knowsSymbol
    },
  }
}
