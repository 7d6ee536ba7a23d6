import { type TickColumns, verdict as verdicts } from '../../schemas/columns.ts'
import { idOrder as idOrders } from '../../schemas/tick.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Effects } from './effects.ts'
import { growFloat64 } from './grow.ts'
import { createIdRanges, type IdRanges } from './id-ranges.ts'
import { createRecentIds, type RecentIds } from './recent-ids.ts'
import type { SymbolIndex } from './symbol-index.ts'
import { createSymbolMarks } from './symbol-marks.ts'

// Constants of this module's own, and no call in the loop: see "Hot loops" in docs/hacking.md.
const { undecided, duplicate } = verdicts
const { monotonic, unordered } = idOrders

/** Marks ticks whose trade id was seen before; state by symbol. */
export interface Deduplicator {
  /** Sets the verdict `duplicate` on undecided rows. */
  process(columns: TickColumns): void
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
}

export interface DeduplicatorOptions {
  readonly symbols: SymbolIndex
  readonly effects: Effects
  /** Ids are remembered for this long in event time. */
  readonly withinMs: number
}

/** Rows judged one by one before a run is tried again. */
const judgedInRow = 4

/**
 * Passes rows whose trade id is their symbol's highest plus one.
 *
 * @returns The first row that is another.
 */
function runNext(highest: Float64Array, newest: Float64Array, touched: Uint8Array, columns: TickColumns, from: number) {
  const { local, tradeId, eventTime, idOrder, verdict } = columns
  const symbols = touched.length | 0
  const end = columns.length | 0
  let i = from | 0
  for (; i < end; i++) {
    if (verdict[i] !== undecided) continue
    const s = local[i] as number
    if (s >= symbols || touched[s] === 0 || idOrder[i] !== monotonic) break
    const id = tradeId[i] as number
    if (id !== (highest[s] as number) + 1) break
    highest[s] = id
    const time = eventTime[i] as number
    if (time > (newest[s] as number)) newest[s] = time
  }
  return i
}

/**
 * Exact deduplication by trade id.
 *
 * Monotonic ids: the highest one and the ranges missing below it; the first id of a symbol leaves everything below it
 * missing. An id at or below the highest is new when it is missing; else it is a duplicate, unless its event time lies
 * above the symbol's newest: then the venue began a new run of ids, which is counted. Other ids: an exact bounded set.
 */
export function createDeduplicator({ symbols, effects, withinMs }: DeduplicatorOptions): Deduplicator {
  // Checkpointed, by local symbol.
  let highest = new Float64Array(0) // NaN: no monotonic id yet
  let newest = new Float64Array(0) // event time of the newest new tick
  let floor = new Float64Array(0) // every id below it is missing
  const ranges: (IdRanges | undefined)[] = []
  const recent: (RecentIds | undefined)[] = []
  // Not checkpointed.
  const touched = createSymbolMarks()

  const ensure = (size: number): void => {
    if (size <= highest.length) return
    highest = growFloat64(highest, size, Number.NaN)
    newest = growFloat64(newest, highest.length, Number.NEGATIVE_INFINITY)
    floor = growFloat64(floor, highest.length, Number.NEGATIVE_INFINITY)
    touched.ensure(highest.length)
  }

  const rangesOf = (s: number): IdRanges => {
    let found = ranges[s]
    if (found === undefined) ranges[s] = found = createIdRanges()
    return found
  }
  const recentOf = (s: number): RecentIds => {
    let found = recent[s]
    if (found === undefined) recent[s] = found = createRecentIds(withinMs)
    return found
  }

  const isNewByName = (s: number, id: number, eventTime: number): boolean => {
    const ids = recentOf(s)
    const before = ids.overflows
    const isNew = ids.add(id, eventTime)
    if (ids.overflows > before) effects.alarm('recent_ids_evicted')
    return isNew
  }

  const isNewMonotonic = (s: number, id: number, eventTime: number): boolean => {
    const top = highest[s] as number
    if (Number.isNaN(top)) {
      highest[s] = floor[s] = id
      return true
    }
    if (id === top + 1) {
      highest[s] = id
      return true
    }
    if (id > top) {
      const missing = rangesOf(s)
      missing.forgetBefore((newest[s] as number) - withinMs)
      if (missing.open(top + 1, id - 1, eventTime) > 0) effects.alarm('id_range_evicted')
      highest[s] = id
      return true
    }
    const bottom = floor[s] as number
    if (id < bottom) {
      // Splits (-inf, bottom): what lies between stays missing.
      if (id < bottom - 1) prepend(s, id + 1, bottom - 1, eventTime)
      floor[s] = id
      return true
    }
    if (ranges[s]?.take(id) === true) return true
    if (eventTime <= (newest[s] as number)) return false
    effects.alarm('id_run_restarted')
    highest[s] = floor[s] = id
    ranges[s] = undefined
    return true
  }
  const prepend = (s: number, from: number, to: number, openedAt: number): void => {
    const older = rangesOf(s)
    const all = createIdRanges()
    all.open(from, to, openedAt)
    older.forEach((f, t, at) => {
      if (all.open(f, t, at) > 0) effects.alarm('id_range_evicted')
    })
    ranges[s] = all
  }

  /** A row that is not the next of its symbol. */
  const judge = (columns: TickColumns, i: number): void => {
    if (columns.verdict[i] !== undecided) return
    const s = columns.local[i] as number
    const id = columns.tradeId[i] as number
    const time = columns.eventTime[i] as number
    ensure(s + 1)
    touched.note(s)
    const isNew = columns.idOrder[i] === unordered ? isNewByName(s, id, time) : isNewMonotonic(s, id, time)
    if (isNew) {
      if (time > (newest[s] as number)) newest[s] = time
      return
    }
    columns.verdict[i] = duplicate
    effects.counts.duplicate += 1
    effects.skipped(columns.offset[i] as number, columns.symbol[i] as number, 'duplicate')
  }

  const process = (columns: TickColumns): void => {
    const { length } = columns
    for (let i = 0; ; ) {
      i = runNext(highest, newest, touched.flags, columns, i)
      // Those that are not the next of their symbol come in rows too (exact ids): a run for each would cost more.
      for (let stop = Math.min(i + judgedInRow, length); i < stop; i++) judge(columns, i)
      if (i >= length) return
    }
  }

  const writeSymbol = (writer: ByteWriter, s: number, full: boolean): void => {
    writer.text(symbols.name(s))
    writer.f64(highest[s] as number)
    writer.f64(newest[s] as number)
    writer.f64(floor[s] as number)
    writer.uint(ranges[s]?.size ?? 0)
    ranges[s]?.forEach((from, to, openedAt) => {
      writer.f64(from)
      writer.f64(to)
      writer.f64(openedAt)
    })
    const pairs = recent[s]?.drain(full) ?? []
    writer.uint(pairs.length)
    for (const [id, time] of pairs) {
      writer.f64(id)
      writer.f64(time)
    }
  }

  /** Passes over what `writeSymbol` wrote behind the name. */
  const skipSymbol = (reader: ByteReader): void => {
    reader.skipF64s(3)
    reader.skipF64s(3 * reader.uint())
    reader.skipF64s(2 * reader.uint())
  }

  return {
    process,
    write(writer, full) {
      const known = Array.from({ length: Math.min(symbols.size, highest.length) }, (_, s) => s)
      const list = full ? known.filter((s) => newest[s] !== Number.NEGATIVE_INFINITY) : touched.list
      writer.uint(list.length)
      for (const s of list) writeSymbol(writer, s, full)
      touched.clear()
    },
    read(reader) {
      for (let count = reader.uint(); count > 0; count--) {
        const symbol = reader.text()
        if (reader.moved?.isElsewhere(symbol) === true) {
          skipSymbol(reader)
          continue
        }
        const s = symbols.localOfName(symbol)
        ensure(s + 1)
        highest[s] = reader.f64()
        newest[s] = reader.f64()
        floor[s] = reader.f64()
        const missing = reader.uint()
        ranges[s] = missing > 0 ? createIdRanges() : undefined
        for (let i = 0; i < missing; i++) ranges[s]?.open(reader.f64(), reader.f64(), reader.f64())
        const pairs = reader.uint()
        for (let i = 0; i < pairs; i++) recentOf(s).add(reader.f64(), reader.f64())
        recent[s]?.drain(false)
      }
    },
  }
}
