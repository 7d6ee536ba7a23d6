import { type CandleColumns, createCandleColumns } from '../../schemas/candle-columns.ts'
import { type ColumnBatch, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'
import { invariant } from '../../schemas/errors.ts'
import type { HistoryHost } from './apply-history.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { type CandleHistory, createCandleHistory } from './candle-history.ts'
import { readSymbolWindows, skipSymbolWindows, writeSymbolWindows } from './candle-state.ts'
import { createCoverage } from './coverage.ts'
import type { Effects } from './effects.ts'
import { growFloat64, growInt32 } from './grow.ts'
import { createHistoryInbox } from './history-inbox.ts'
import { createLineClock } from './line-clock.ts'
import type { PulseLimit, WatermarkPolicy } from './stream-element.ts'
import type { SymbolIndex } from './symbol-index.ts'
import { createSymbolMarks } from './symbol-marks.ts'
import { runTicks, type TickRun } from './tick-run.ts'
import { createUpdateQueue } from './update-queue.ts'
import { createWindowClosing } from './window-closing.ts'
import {
  closedBy,
  copyWindow,
  resetWindow,
  type WindowColumns,
  windowField,
  windowNumber,
  windowStatus,
  windowWidth,
} from './window-columns.ts'
import { createWindowOutput } from './window-output.ts'
import { createComposer, createWindowRings, growRings, placeOf, type WindowRing } from './window-rings.ts'

const field = windowField
const { live, fired, published, changed, fresh } = windowStatus

/** Candles of one partition: base windows by tick, roll-ups composed from them. */
export interface CandleWindows {
  process(batch: ColumnBatch): void
  /** Appends the open candles that changed since they were last said. */
  pulse(rows: CandleColumns, limit?: PulseLimit): void
  /** Appends the finals and corrections since the last barrier, each key once. */
  barrier(rows: CandleColumns): void
  /** Appends every live candle of a symbol and interval whose final is not yet in a barrier, ascending by start. */
  open(symbol: number, intervalSeconds: number, rows: CandleColumns): void
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
  /** What history left behind; read after the windows, written after them. */
  writeHistory(writer: ByteWriter, full: boolean): void
  readHistory(reader: ByteReader): void
  /** Offset of `ticks.history` up to which (exclusive) it is applied. */
  readonly historyAppliedTo: number
}

export interface CandleWindowsOptions {
  readonly symbols: SymbolIndex
  readonly lines: SymbolIndex
  readonly effects: Effects
  readonly watermark: WatermarkPolicy
  readonly baseMs: number
  readonly rollUpMs: readonly number[]
  readonly allowedLatenessMs: number
  /** Trade ids of a symbol grow by one from trade to trade: a candle whose ids have holes is partial. */
  readonly hasConsecutiveIds?: boolean
  readonly partition: number
  /** Partitions of the source: a symbol's is murmur2 of it among them. */
  readonly partitions: number
  /** Whether a symbol (the worker's id) is held: nothing of it fires, closes or moves. */
  isHeld?(symbol: number): boolean
}

/**
 * Event-time candles with allowed lateness.
 *
 * Each record moves its line's watermark, then is judged: late at the base window, or it changes that window and so every
 * roll-up above it. A window fires when the watermark (or a heartbeat, or the line's end) passes its end; it expires,
 * and a base window is merged into its roll-ups for good, when lateness is over. Boundaries are on a grid, so windows
 * are looked at only when a watermark crosses one.
 */
export function createCandleWindows(options: CandleWindowsOptions): CandleWindows {
  const { symbols, lines, effects, baseMs, allowedLatenessMs: lateness } = options
  const { outOfOrdernessMs } = options.watermark
  const idleMs = outOfOrdernessMs + options.watermark.idleAfterMs
  const rings = createWindowRings({ ...options, outOfOrdernessMs })
  const isMissingTrades = ({ values }: WindowColumns, k: number): boolean => {
    if (options.hasConsecutiveIds !== true) return false
    const at = k * windowWidth
    const ids = (values[at + field.closeId] as number) - (values[at + field.openId] as number) + 1
    return ids > (values[at + field.trades] as number)
  }
  const compose = createComposer(rings, isMissingTrades)
  const [base, ...rollUps] = rings
  invariant(base !== undefined, 'there is a base ring')
  const output = createWindowOutput({ symbols, base, isMissingTrades, compose })
  /** What live windows say at a barrier at which others are kept. */
  const spokenRows = createCandleColumns()

  // Checkpointed.
  const clock = createLineClock(lines)
  const history: CandleHistory = createCandleHistory(symbols, rings)
  let lineOf = new Int32Array(0) // by local symbol; -1: none yet
  let floor = new Float64Array(0) // by local symbol: the watermark of the line it moved from
  // Not checkpointed: by local line, the next watermark and the next covered time that close something.
  let nextWatermark = new Float64Array(0)
  let nextCovered = new Float64Array(0)
  let lineIds = new Int32Array(0) // the worker's ids
  /** Symbols whose state is to be written. */
  const touched = createSymbolMarks()
  /** Symbols with windows whose updates are due. */
  const updates = createUpdateQueue()
  /** Nothing was taken in since the last barrier: the store holds every final. */
  let isClean = true

  const ensureSymbol = (s: number): void => {
    if (s < lineOf.length) return
    lineOf = growInt32(lineOf, s + 1, -1)
    floor = growFloat64(floor, lineOf.length, Number.NEGATIVE_INFINITY)
    touched.ensure(lineOf.length)
    updates.ensure(lineOf.length)
    growRings(rings, lineOf.length)
  }
  const ensureLine = (l: number): void => {
    clock.ensure(l + 1)
    if (l >= nextWatermark.length) {
      nextWatermark = growFloat64(nextWatermark, l + 1, Number.NEGATIVE_INFINITY)
      nextCovered = growFloat64(nextCovered, nextWatermark.length, Number.NEGATIVE_INFINITY)
      lineIds = growInt32(lineIds, nextWatermark.length, -1)
    }
    lineIds[l] = lines.globalOf(l)
  }
  /** The next covered time at which a window closes by idleness. */
  const coveredBoundary = (to: number): number => (Math.floor((to - idleMs) / baseMs) + 1) * baseMs + idleMs
  const effective = (s: number): number =>
    Math.max(clock.watermark[lineOf[s] as number] ?? Number.NEGATIVE_INFINITY, floor[s] as number)

  const coverage = createCoverage({ clock, history, baseMs, longestMs: rings.at(-1)?.sizeMs ?? baseMs })
  const closing = createWindowClosing({
    ...{ rings: [base, ...rollUps], clock, history, coverage, output, baseMs, latenessMs: lateness, idleMs },
    lineOf: (s) => lineOf[s] as number,
    isMissingTrades,
    note: touched.note,
  })
  /** Marks a window changed by a record; makes, fires or reopens it where need be. */
  const touchWindow = (s: number, ring: WindowRing, number: number, watermark: number): void => {
    const { columns, sizeMs } = ring
    const k = placeOf(ring, s, number)
    const last = (number + 1) * sizeMs - 1
    if (columns.status[k] === 0) {
      const waiting = ring === base ? undefined : history.take(s, sizeMs, number)
      if (waiting === undefined) resetWindow(columns, k, number, live)
      else copyWindow(columns, k, waiting.columns, 0)
      closing.fireIfDue(s, ring, k, watermark)
    }
    const found = windowNumber(columns, k)
    invariant(found === number, () => `window ${number} of ${sizeMs} ms has its place, found ${found}`)
    let status = columns.status[k] as number
    if (columns.closedBy[k] === closedBy.end && watermark < last) {
      status &= ~fired
      columns.closedBy[k] = 0
    }
    columns.status[k] = status | changed | fresh
  }
  const touch = (s: number, number: number): void => {
    const watermark = effective(s)
    touchWindow(s, base, number, watermark)
    for (const ring of rollUps) touchWindow(s, ring, Math.floor((number * baseMs) / ring.sizeMs), watermark)
    touched.note(s)
    updates.note(s)
  }

  const isStill = (s: number): boolean => options.isHeld?.(symbols.globalOf(s)) === true
  /** Every symbol of a line that does not stand still. */
  const eachOf = (l: number, visit: (s: number) => void): void => {
    for (let s = 0; s < lineOf.length; s++) if (lineOf[s] === l && !isStill(s)) visit(s)
  }
  const sweepLine = (l: number): void => {
    const watermark = clock.watermark[l] as number
    eachOf(l, (s) => closing.sweep(s, Math.max(watermark, floor[s] as number)))
    const fires = (Math.floor((watermark + 1) / baseMs) + 1) * baseMs - 1
    const expires = (Math.floor((watermark + 1 - lateness) / baseMs) + 1) * baseMs - 1 + lateness
    nextWatermark[l] = Math.min(fires, expires)
  }
  const closeLine = (l: number, end: number, by: number): void => eachOf(l, (s) => closing.close(s, end, by))
  /** A symbol comes to a line: its windows stand at once where that line's time stands, and lateness never goes back. */
  const adopt = (s: number, l: number): void => {
    touched.note(s)
    floor[s] = effective(s)
    lineOf[s] = l
    closing.sweep(s, effective(s))
    closing.close(s, clock.coveredTo(l) - idleMs, closedBy.idle)
  }

  const run: TickRun = {
    sizeMs: baseMs,
    outOfOrdernessMs,
    places: base.places,
    status: base.columns.status,
    values: base.columns.values,
    lineOf,
    lineIds,
    watermark: clock.watermark,
    nextWatermark,
    used: 0,
  }
  const renewRun = (): void => {
    run.status = base.columns.status
    run.values = base.columns.values
    run.lineOf = lineOf
    run.lineIds = lineIds
    run.watermark = clock.watermark
    run.nextWatermark = nextWatermark
  }
  const moveTime = (l: number, time: number): void => {
    const moved = time - (outOfOrdernessMs + 1)
    if (moved <= (clock.watermark[l] as number)) return
    clock.watermark[l] = moved
    if (moved >= (nextWatermark[l] as number)) sweepLine(l)
  }
  /** A row at which something opens, closes or is late. @returns Whether it is done; else its window is ready for it. */
  const makeReady = (columns: TickColumns, i: number): boolean => {
    if (columns.verdict[i] === verdict.rejected) return true
    const s = columns.local[i] as number
    const l = lines.localOf(columns.line[i] as number)
    ensureSymbol(s)
    ensureLine(l)
    if (lineOf[s] !== l) adopt(s, l)
    const time = columns.eventTime[i] as number
    moveTime(l, time)
    if (columns.verdict[i] !== verdict.undecided) return true
    const n = Math.floor(time / baseMs)
    if (effective(s) >= (n + 1) * baseMs - 1 + lateness) {
      effects.counts.late += 1
      columns.verdict[i] = verdict.late
      effects.skipped(columns.offset[i] as number, columns.symbol[i] as number, 'late')
      return true
    }
    if (history.isSealed(s, n)) {
      effects.counts.duplicate += 1
      columns.verdict[i] = verdict.duplicate
      effects.skipped(columns.offset[i] as number, columns.symbol[i] as number, 'duplicate')
      return true
    }
    touch(s, n)
    return false
  }
  const rows = (columns: TickColumns, from: number, to: number): void => {
    run.used = 0
    if (from < to) isClean = false
    for (let i = from; i < to; ) {
      renewRun()
      i = runTicks(run, columns, i, to)
      while (i < to && makeReady(columns, i)) i += 1
    }
    effects.counts.used += run.used
  }

  const host: HistoryHost = {
    rings,
    history,
    isExpired: (s, last) => effective(s) >= last + lateness,
    isBlind: (s, start, end) => coverage.isBlind(s, lineOf[s] as number, start, end),
    isHeadless: (s, start, end) => coverage.isHeadless(s, lineOf[s] as number, start, end),
    hasGap: (s, start, end) => coverage.hasGap(lineOf[s] as number, start, end),
    isMissingTrades,
    compose: (ring, s, k) => compose(ring, s, k),
    fireIfDue(s, ring, k, isSettled) {
      if (!isSettled) closing.fireIfDue(s, ring, k, effective(s))
      else if (((ring.columns.status[k] as number) & fired) === 0) closing.fire(s, ring, k, closedBy.history)
    },
    noteChanged(s) {
      touched.note(s)
      updates.note(s)
    },
    settled: (s, from, to) => effects.coverage?.(symbols.globalOf(s), from * baseMs, to * baseMs, 'settled'),
    append: (s, sizeMs, columns) => output.keepRow(s, sizeMs, columns, 0),
  }
  const inbox = createHistoryInbox({ ...options, host, ensureSymbol })

  const tellGap = (l: number, from: number, to: number): void =>
    eachOf(l, (s) => effects.coverage?.(symbols.globalOf(s), from, to, 'blind'))

  const control = ({ offset, record, history: input }: PlacedControl): void => {
    if (record.kind === 'reject' || record.kind === 'release') return
    if (record.kind === 'history') {
      if (record.upTo <= history.appliedTo) return
      invariant(input !== undefined, () => `history up to ${record.upTo} comes with its segments`)
      invariant(isClean, 'history is applied right behind a checkpoint')
      inbox.apply(offset, input)
      history.appliedTo = record.upTo
      isClean = false
      return
    }
    isClean = false
    const l = lines.localOfName(record.line)
    ensureLine(l)
    if (record.kind === 'held') {
      moveTime(l, record.eventTime)
      return
    }
    if (record.kind === 'move') {
      const s = symbols.localOfName(record.symbol)
      // One that had no tick yet comes to its line with the first.
      if ((lineOf[s] as number) >= 0 && !isStill(s)) adopt(s, l)
      return
    }
    if (record.kind === 'end') {
      closeLine(l, Number.POSITIVE_INFINITY, closedBy.end)
      eachOf(l, (s) => closing.keepClosed(s))
      return
    }
    const covered = clock.coveredTo(l)
    const isFurther = clock.heartbeat(l, record.from, record.to)
    if (isFurther && Number.isFinite(covered) && record.from > covered) tellGap(l, covered, record.from)
    if (!isFurther || record.to < (nextCovered[l] as number)) return
    closeLine(l, record.to - idleMs, closedBy.idle)
    nextCovered[l] = coveredBoundary(record.to)
  }

  return {
    process({ columns, controls }) {
      let row = 0
      for (const placed of controls) {
        rows(columns, row, placed.row)
        row = placed.row
        control(placed)
      }
      rows(columns, row, columns.length)
    },
    pulse(out, limit) {
      for (const s of updates.take(limit?.keysMax)) {
        closing.each(s, (ring, k, status) => {
          if ((status & fresh) === 0) return
          ring.columns.status[k] = status & ~fresh
          if ((status & fired) === 0) output.append(out, s, ring, k)
        })
      }
      if (updates.size > 0) limit?.cut()
    },
    barrier(out) {
      const rows = output.hasKept ? spokenRows : out
      for (const s of touched.list)
        closing.each(s, (ring, k, status) => {
          if ((status & changed) === 0) return
          const isTold = (status & fired) !== 0 && output.append(rows, s, ring, k)
          ring.columns.status[k] = (status & ~changed) | (isTold ? published : 0)
        })
      if (output.hasKept) output.take(out, rows)
      isClean = true
    },
    open(global, intervalSeconds, out) {
      const s = symbols.localOf(global)
      if (s >= lineOf.length) return
      output.kept(s, intervalSeconds, out)
      const found: { ring: WindowRing; k: number; number: number }[] = []
      closing.each(s, (ring, k, status) => {
        const isCommitted = (status & (fired | published | changed)) === (fired | published)
        if (ring.sizeMs === intervalSeconds * 1000 && !isCommitted)
          found.push({ ring, k, number: windowNumber(ring.columns, k) })
      })
      found.sort((a, b) => a.number - b.number)
      for (const { ring, k } of found) output.append(out, s, ring, k)
    },
    write(writer, full) {
      clock.write(writer)
      const list = full ? [...lineOf.keys()] : touched.list
      const bound = list.filter((s) => (lineOf[s] as number) >= 0)
      writer.uint(bound.length)
      for (const s of bound) {
        writer.text(symbols.name(s))
        writer.text(lines.name(lineOf[s] as number))
        writer.f64(floor[s] as number)
        writeSymbolWindows(writer, rings, s)
      }
      touched.clear()
    },
    read(reader) {
      clock.read(reader)
      for (let count = reader.uint(); count > 0; count--) {
        const [symbol, line, floorOfSymbol] = [reader.text(), reader.text(), reader.f64()]
        if (reader.moved?.isElsewhere(symbol) === true) {
          skipSymbolWindows(reader)
          continue
        }
        const s = symbols.localOfName(symbol)
        const l = lines.localOfName(line)
        ensureSymbol(s)
        ensureLine(l)
        lineOf[s] = l
        floor[s] = floorOfSymbol
        readSymbolWindows(reader, rings, s)
      }
      for (let l = 0; l < lines.size; l++) ensureLine(l)
      nextWatermark.fill(Number.NEGATIVE_INFINITY)
      for (let l = 0; l < lines.size; l++) nextCovered[l] = coveredBoundary(clock.coveredTo(l))
    },
    writeHistory: (writer, full) => history.write(writer, full),
    readHistory: (reader) => history.read(reader, ensureSymbol),
    get historyAppliedTo() {
      return history.appliedTo
    },
  }
}
