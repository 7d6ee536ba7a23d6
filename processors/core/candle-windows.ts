import { type CandleColumns, createCandleColumns } from '../../schemas/candle-columns.ts'
import { type ColumnBatch, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'
import { invariant } from '../../schemas/errors.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { appendCandle, copyCandle } from './candle-rows.ts'
import { readSymbolWindows, writeSymbolWindows } from './candle-state.ts'
import type { Effects } from './effects.ts'
import { growFloat64, growInt32, growUint8 } from './grow.ts'
import { createLineClock } from './line-clock.ts'
import type { WatermarkPolicy } from './stream-element.ts'
import type { SymbolIndex } from './symbol-index.ts'
import { runTicks, type TickRun } from './tick-run.ts'
import { mergeWindow, resetWindow, type WindowColumns, windowNumber, windowStatus } from './window-columns.ts'
import { createComposer, createWindowRings, growRings, placeOf, type WindowRing } from './window-rings.ts'

const { live, fired, published, changed, fresh, blind } = windowStatus
const closedBy = { watermark: 1, idle: 2, end: 3 } as const

/** Candles of one partition: base windows by tick, roll-ups composed from them. */
export interface CandleWindows {
  process(batch: ColumnBatch): void
  /** Appends the open candles that changed since the last pulse. */
  pulse(rows: CandleColumns): void
  /** Appends the finals and corrections since the last barrier, each key once. */
  barrier(rows: CandleColumns): void
  /** Appends every live candle of a symbol and interval whose final is not yet in a barrier, ascending by start. */
  open(symbol: number, intervalSeconds: number, rows: CandleColumns): void
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
  /** Windows alive, of every interval. */
  readonly liveWindows: number
}

export interface CandleWindowsOptions {
  readonly symbols: SymbolIndex
  readonly lines: SymbolIndex
  readonly effects: Effects
  readonly watermark: WatermarkPolicy
  readonly baseMs: number
  readonly rollUpMs: readonly number[]
  readonly allowedLatenessMs: number
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
  const compose = createComposer(rings)
  const [base, ...rollUps] = rings
  invariant(base !== undefined, 'there is a base ring')
  /** Rows of windows that are gone and not in a barrier yet, and where those of each symbol stand. */
  const expired = createCandleColumns()
  const expiredOf = new Map<number, number[]>()

  // Checkpointed.
  const clock = createLineClock(lines)
  let lineOf = new Int32Array(0) // by local symbol; -1: none yet
  let floor = new Float64Array(0) // by local symbol: the watermark of the line it moved from
  // Not checkpointed: by local line, the next watermark and the next covered time that close something.
  let nextWatermark = new Float64Array(0)
  let nextCovered = new Float64Array(0)
  let lineIds = new Int32Array(0) // the worker's ids
  let touched = new Uint8Array(0)
  let touchedList: number[] = []
  let isFresh = new Uint8Array(0)
  let freshList: number[] = []

  const ensureSymbol = (s: number): void => {
    if (s < lineOf.length) return
    lineOf = growInt32(lineOf, s + 1, -1)
    floor = growFloat64(floor, lineOf.length, Number.NEGATIVE_INFINITY)
    touched = growUint8(touched, lineOf.length)
    isFresh = growUint8(isFresh, lineOf.length)
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

  const noteTouched = (s: number): void => {
    if (touched[s] === 0) {
      touched[s] = 1
      touchedList.push(s)
    }
  }
  const fire = (s: number, ring: WindowRing, k: number, by: number): void => {
    const { status, closedBy: closers } = ring.columns
    const start = windowNumber(ring.columns, k) * ring.sizeMs
    const isBlind = clock.isBlind(lineOf[s] as number, start, start + ring.sizeMs)
    // No longer fresh: the next tick goes through `touch`, which may reopen the window.
    status[k] = ((status[k] as number) & ~fresh) | fired | changed | (isBlind ? blind : 0)
    closers[k] = by
    noteTouched(s)
  }
  /** Marks a window changed by a record; makes, fires or reopens it where need be. */
  const touchWindow = (s: number, ring: WindowRing, number: number, watermark: number): void => {
    const { columns, sizeMs } = ring
    const k = placeOf(ring, s, number)
    const last = (number + 1) * sizeMs - 1
    if (columns.status[k] === 0) {
      resetWindow(columns, k, number, live)
      if (watermark >= last) fire(s, ring, k, closedBy.watermark)
      else if (clock.coveredTo(lineOf[s] as number) - idleMs > last) fire(s, ring, k, closedBy.idle)
    }
    const found = windowNumber(columns, k)
    invariant(found === number, `window ${number} of ${sizeMs} ms has its place, found ${found}`)
    let status = columns.status[k] as number
    if (status & fired && columns.closedBy[k] === closedBy.end && watermark < last) {
      status &= ~fired
      columns.closedBy[k] = 0
    }
    columns.status[k] = status | changed | fresh
  }
  const touch = (s: number, number: number): void => {
    const watermark = effective(s)
    touchWindow(s, base, number, watermark)
    for (const ring of rollUps) touchWindow(s, ring, Math.floor((number * baseMs) / ring.sizeMs), watermark)
    noteTouched(s)
    if (isFresh[s] === 0) {
      isFresh[s] = 1
      freshList.push(s)
    }
  }

  const expire = (s: number, ring: WindowRing, k: number): void => {
    const { columns } = ring
    const status = columns.status[k] as number
    if (status & changed) {
      const rowsOfSymbol = expiredOf.get(s) ?? []
      rowsOfSymbol.push(expired.length)
      expiredOf.set(s, rowsOfSymbol)
      appendCandle(expired, symbols.globalOf(s), ring.sizeMs, contentOf(s, ring, k), contentAt(ring, k))
    }
    if (ring === base) {
      const start = windowNumber(columns, k) * baseMs
      for (const above of rollUps)
        mergeWindow(above.columns, placeOf(above, s, Math.floor(start / above.sizeMs)), columns, k)
    }
    columns.status[k] = 0
    noteTouched(s)
  }
  const contentOf = (s: number, ring: WindowRing, k: number): WindowColumns =>
    ring === base ? ring.columns : compose(ring, s, k)
  const contentAt = (ring: WindowRing, k: number): number => (ring === base ? k : 0)

  /** Fires and expires what the watermark has passed. The base ring comes first: it feeds the others. */
  const sweepSymbol = (s: number, watermark: number): void => {
    for (const ring of rings) {
      const { status } = ring.columns
      for (let k = s * ring.places, end = k + ring.places; k < end; k++) {
        if (status[k] === 0) continue
        const last = (windowNumber(ring.columns, k) + 1) * ring.sizeMs - 1
        if (watermark >= last && ((status[k] as number) & fired) === 0) fire(s, ring, k, closedBy.watermark)
        if (watermark >= last + lateness) expire(s, ring, k)
      }
    }
  }
  const sweepLine = (l: number): void => {
    const watermark = clock.watermark[l] as number
    for (let s = 0; s < symbols.size && s < lineOf.length; s++)
      if (lineOf[s] === l) sweepSymbol(s, Math.max(watermark, floor[s] as number))
    const fires = (Math.floor((watermark + 1) / baseMs) + 1) * baseMs - 1
    const expires = (Math.floor((watermark + 1 - lateness) / baseMs) + 1) * baseMs - 1 + lateness
    nextWatermark[l] = Math.min(fires, expires)
  }
  /** Fires every open window of a symbol whose end is at most `end`. */
  const closeSymbol = (s: number, end: number, by: number): void => {
    for (const ring of rings) {
      const { status } = ring.columns
      for (let k = s * ring.places, stop = k + ring.places; k < stop; k++) {
        const closes = (windowNumber(ring.columns, k) + 1) * ring.sizeMs
        if (((status[k] as number) & (live | fired)) === live && closes <= end) fire(s, ring, k, by)
        if (by === closedBy.end) status[k] = (status[k] as number) & ~fresh
      }
    }
  }
  const closeLine = (l: number, end: number, by: number): void => {
    for (let s = 0; s < symbols.size && s < lineOf.length; s++) if (lineOf[s] === l) closeSymbol(s, end, by)
  }
  /** A symbol comes to a line: its windows stand at once where that line's time stands, and lateness never goes back. */
  const adopt = (s: number, l: number): void => {
    noteTouched(s)
    if ((lineOf[s] as number) < 0) {
      lineOf[s] = l
      return
    }
    floor[s] = effective(s)
    lineOf[s] = l
    sweepSymbol(s, effective(s))
    closeSymbol(s, clock.coveredTo(l) - idleMs, closedBy.idle)
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
  /** A row at which something opens, closes or is late. @returns Whether it is done; else its window is ready for it. */
  const makeReady = (columns: TickColumns, i: number): boolean => {
    if (columns.verdict[i] === verdict.rejected) return true
    const s = columns.local[i] as number
    const l = lines.localOf(columns.line[i] as number)
    ensureSymbol(s)
    ensureLine(l)
    if (lineOf[s] !== l) adopt(s, l)
    const time = columns.eventTime[i] as number
    const moved = time - (outOfOrdernessMs + 1)
    if (moved > (clock.watermark[l] as number)) {
      clock.watermark[l] = moved
      if (moved >= (nextWatermark[l] as number)) sweepLine(l)
    }
    if (columns.verdict[i] !== verdict.undecided) return true
    const n = Math.floor(time / baseMs)
    if (effective(s) >= (n + 1) * baseMs - 1 + lateness) {
      effects.counts.late += 1
      columns.verdict[i] = verdict.late
      effects.skipped(columns.offset[i] as number, columns.symbol[i] as number, 'late')
      return true
    }
    touch(s, n)
    return false
  }
  const rows = (columns: TickColumns, from: number, to: number): void => {
    run.used = 0
    for (let i = from; i < to; ) {
      renewRun()
      i = runTicks(run, columns, i, to)
      while (i < to && makeReady(columns, i)) i += 1
    }
    effects.counts.used += run.used
  }

  const control = ({ record }: PlacedControl): void => {
    if (record.kind === 'reject') return
    const l = lines.localOfName(record.line)
    ensureLine(l)
    if (record.kind === 'move') {
      const s = symbols.localOfName(record.symbol)
      if (s < lineOf.length && (lineOf[s] as number) >= 0 && lineOf[s] !== l) adopt(s, l)
      return
    }
    if (record.kind === 'end') {
      closeLine(l, Number.POSITIVE_INFINITY, closedBy.end)
      return
    }
    if (!clock.heartbeat(l, record.from, record.to) || record.to < (nextCovered[l] as number)) return
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
    pulse(out) {
      for (const s of freshList) {
        isFresh[s] = 0
        for (const ring of rings) {
          const { status } = ring.columns
          for (let k = s * ring.places, end = k + ring.places; k < end; k++) {
            if (((status[k] as number) & fresh) === 0) continue
            status[k] = (status[k] as number) & ~fresh
            if (((status[k] as number) & fired) === 0)
              appendCandle(out, symbols.globalOf(s), ring.sizeMs, contentOf(s, ring, k), contentAt(ring, k))
          }
        }
      }
      freshList = []
    },
    barrier(out) {
      for (let i = 0; i < expired.length; i++) copyCandle(out, expired, i)
      expired.length = 0
      expiredOf.clear()
      for (const s of touchedList) {
        for (const ring of rings) {
          const { status } = ring.columns
          for (let k = s * ring.places, end = k + ring.places; k < end; k++) {
            if (((status[k] as number) & changed) === 0) continue
            if ((status[k] as number) & fired) {
              appendCandle(out, symbols.globalOf(s), ring.sizeMs, contentOf(s, ring, k), contentAt(ring, k))
              status[k] = (status[k] as number) | published
            }
            status[k] = (status[k] as number) & ~changed
          }
        }
      }
    },
    open(global, intervalSeconds, out) {
      const s = symbols.localOf(global)
      const ring = rings.find((candidate) => candidate.sizeMs === intervalSeconds * 1000)
      if (ring === undefined || s >= lineOf.length) return
      for (const i of expiredOf.get(s) ?? []) if (expired.interval[i] === intervalSeconds) copyCandle(out, expired, i)
      const { status } = ring.columns
      const places: number[] = []
      for (let k = s * ring.places, end = k + ring.places; k < end; k++) {
        const isCommitted = ((status[k] as number) & (fired | published | changed)) === (fired | published)
        if ((status[k] as number) & live && !isCommitted) places.push(k)
      }
      places.sort((a, b) => windowNumber(ring.columns, a) - windowNumber(ring.columns, b))
      for (const k of places) appendCandle(out, global, ring.sizeMs, contentOf(s, ring, k), contentAt(ring, k))
    },
    write(writer, full) {
      clock.write(writer)
      const list = full ? Array.from({ length: Math.min(symbols.size, lineOf.length) }, (_, s) => s) : touchedList
      const bound = list.filter((s) => (lineOf[s] as number) >= 0)
      writer.uint(bound.length)
      for (const s of bound) {
        writer.text(symbols.name(s))
        writer.text(lines.name(lineOf[s] as number))
        writer.f64(floor[s] as number)
        writeSymbolWindows(writer, rings, s)
      }
      for (const s of touchedList) touched[s] = 0
      touchedList = []
    },
    read(reader) {
      clock.read(reader)
      for (let count = reader.uint(); count > 0; count--) {
        const s = symbols.localOfName(reader.text())
        const l = lines.localOfName(reader.text())
        ensureSymbol(s)
        ensureLine(l)
        lineOf[s] = l
        floor[s] = reader.f64()
        readSymbolWindows(reader, rings, s)
      }
      for (let l = 0; l < lines.size; l++) ensureLine(l)
      nextWatermark.fill(Number.NEGATIVE_INFINITY)
      for (let l = 0; l < lines.size; l++) nextCovered[l] = coveredBoundary(clock.coveredTo(l))
    },
    get liveWindows() {
      let count = 0
      for (const ring of rings) for (const status of ring.columns.status) if (status !== 0) count += 1
      return count
    },
  }
}
