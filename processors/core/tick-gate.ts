import { type ColumnBatch, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'
import { type DeadLetterReason, deadLetterPayloadBytesMax } from '../../schemas/dead-letter.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { symbolPattern } from '../../schemas/tick.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Effects } from './effects.ts'
import { growInt32 } from './grow.ts'
import type { SymbolIndex } from './symbol-index.ts'

/** The door of a partition: only ticks that pass it move a watermark or reach another step. */
export interface TickGate {
  /** Rejects bad rows (verdict and dead letter) and returns the batch with the controls that later steps may apply. */
  process(batch: ColumnBatch): ColumnBatch
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
}

export interface TickGateOptions {
  readonly symbols: SymbolIndex
  readonly lines: SymbolIndex
  readonly effects: Effects
  readonly futureBoundMs: number
  readonly partition: number
  readonly partitions: number
}

/** The first instant of the year 1: every store can hold what comes after it. */
const eventTimeMin = -62_135_596_800_000

/** What is known of a symbol of the worker's table, in place of a local number. */
const seat = { unknown: -1, badName: -2, elsewhere: -3 } as const

/** Prices and sizes stay below it: their products and the sums of those are finite. */
const amountMax = 1e100

/**
 * Validates ticks: symbol, price, size, event time against the append time, and the line that the symbol belongs to.
 * A symbol belongs to the line of its first tick until a `move` control says otherwise.
 */
export function createTickGate(options: TickGateOptions): TickGate {
  const { symbols, lines, effects, futureBoundMs, partition, partitions } = options
  // Checkpointed, by local symbol.
  let lineOf = new Int32Array(0) // local line, -1: none yet
  // Not checkpointed, by the worker's id: a bad name gets no place in the partition's state.
  let seats = new Int32Array(0)
  let changed: number[] = []

  const ensure = (size: number): void => {
    if (size <= lineOf.length) return
    lineOf = growInt32(lineOf, size, -1)
  }
  const bind = (s: number, line: number): void => {
    ensure(s + 1)
    if (lineOf[s] === line) return
    lineOf[s] = line
    changed.push(s)
  }
  /** Looks at a symbol's name, once. @returns Its local number, or what is wrong with it. */
  const seatOf = (global: number): number => {
    if (global >= seats.length) seats = growInt32(seats, global + 1, seat.unknown)
    if (seats[global] === seat.unknown) {
      const name = symbols.globalName(global)
      if (!symbolPattern.test(name)) seats[global] = seat.badName
      else if (partitionOfKey(name, partitions) !== partition) seats[global] = seat.elsewhere
      else {
        const s = symbols.localOf(global)
        ensure(s + 1)
        seats[global] = s
      }
    }
    return seats[global] as number
  }

  const reject = (columns: TickColumns, i: number, reason: DeadLetterReason, detail: string): void => {
    columns.verdict[i] = verdict.rejected
    effects.counts.rejected += 1
    const symbol = symbols.globalName(columns.symbol[i] as number)
    effects.deadLetter({ offset: columns.offset[i] as number, reason, detail, symbol })
  }

  /** A row whose symbol is well, and which is not plainly good: says why not, or binds its symbol to its line. */
  const judge = (columns: TickColumns, i: number, s: number, l: number): void => {
    const price = columns.price[i] as number
    const size = columns.size[i] as number
    const time = columns.eventTime[i] as number
    const latest = (columns.appendTime[i] as number) + futureBoundMs
    const own = lineOf[s] as number
    if (!(price > 0 && price < amountMax)) reject(columns, i, 'BAD_PRICE', `a price is > 0 and < 1e100, was ${price}`)
    else if (!(size > 0 && size < amountMax)) reject(columns, i, 'BAD_SIZE', `a size is > 0 and < 1e100, was ${size}`)
    else if (time < eventTimeMin)
      reject(columns, i, 'BAD_TIME', `an event time is at least ${eventTimeMin}, was ${time}`)
    else if (time > latest)
      reject(
        columns,
        i,
        'FUTURE_TIME',
        `an event time is at most ${futureBoundMs} ms ahead of its append: ${latest}, was ${time}`,
      )
    else if (own < 0) bind(s, l)
    else if (own !== l)
      reject(columns, i, 'WRONG_LINE', `${symbols.name(s)} belongs to ${lines.name(own)}, came by ${lines.name(l)}`)
  }

  const rejectSymbol = (columns: TickColumns, i: number, found: number): void => {
    if (found === seat.badName) reject(columns, i, 'BAD_SYMBOL', `a symbol matches ${symbolPattern.source}`)
    else
      reject(
        columns,
        i,
        'WRONG_PARTITION',
        `murmur2 of the symbol names another of ${partitions} partitions than ${partition}`,
      )
  }

  const rows = (columns: TickColumns, from: number, to: number): void => {
    const { symbol, line, price, size, eventTime, appendTime, local } = columns
    let known = seats
    let ownLines = lineOf
    const ahead = futureBoundMs
    const below = amountMax
    const earliest = eventTimeMin
    const unknown = seat.unknown
    let lastLine = -1
    let l = -1
    for (let i = from; i < to; i++) {
      const global = symbol[i] as number
      let s = global < known.length ? (known[global] as number) : unknown
      if (s < 0) {
        s = seatOf(global)
        known = seats
        ownLines = lineOf
        if (s < 0) {
          rejectSymbol(columns, i, s)
          continue
        }
      }
      local[i] = s
      if (line[i] !== lastLine) {
        lastLine = line[i] as number
        l = lines.localOf(lastLine)
      }
      const p = price[i] as number
      const q = size[i] as number
      const t = eventTime[i] as number
      const isGood =
        p > 0 &&
        p < below &&
        q > 0 &&
        q < below &&
        t >= earliest &&
        t <= (appendTime[i] as number) + ahead &&
        ownLines[s] === l
      if (!isGood) judge(columns, i, s, l)
    }
  }

  /** @returns Whether later steps may apply it. */
  const control = ({ offset, appendTime, record }: PlacedControl): boolean => {
    if (record.kind === 'reject') {
      const { source, reason, detail, payload } = record
      effects.counts.rejected += 1
      effects.deadLetter({
        offset,
        reason: 'FEED_INPUT',
        detail: `${reason}: ${detail}`,
        symbol: '',
        source,
        payload: Buffer.from(payload).subarray(0, deadLetterPayloadBytesMax),
      })
      return false
    }
    if (record.kind === 'heartbeat' && record.to > appendTime + futureBoundMs) {
      effects.counts.rejected += 1
      effects.deadLetter({
        offset,
        reason: 'FUTURE_TIME',
        detail: `heartbeat of ${record.line} up to ${record.to}`,
        symbol: '',
      })
      return false
    }
    effects.counts.control += 1
    if (record.kind === 'move' && symbolPattern.test(record.symbol))
      bind(symbols.localOfName(record.symbol), lines.localOfName(record.line))
    return true
  }

  return {
    process(batch) {
      const { columns, controls, refused } = batch
      effects.counts.in += columns.length + controls.length + refused.length
      effects.counts.rejected += refused.length
      for (const { offset, reason, detail, schemaId, payload } of refused)
        effects.deadLetter({ offset, reason, detail, symbol: '', schemaId, payload })
      columns.verdict.fill(verdict.undecided, 0, columns.length)
      if (controls.length === 0) {
        rows(columns, 0, columns.length)
        return batch
      }
      const kept: PlacedControl[] = []
      let row = 0
      for (const placed of controls) {
        rows(columns, row, placed.row)
        row = placed.row
        if (control(placed)) kept.push(placed)
      }
      rows(columns, row, columns.length)
      return { ...batch, controls: kept }
    },
    write(writer, full) {
      const list = full ? Array.from({ length: Math.min(symbols.size, lineOf.length) }, (_, s) => s) : changed
      const bound = list.filter((s) => (lineOf[s] as number) >= 0)
      writer.uint(bound.length)
      for (const s of bound) {
        writer.text(symbols.name(s))
        writer.text(lines.name(lineOf[s] as number))
      }
      changed = []
    },
    read(reader) {
      for (let count = reader.uint(); count > 0; count--)
        bind(symbols.localOfName(reader.text()), lines.localOfName(reader.text()))
      changed = []
    },
  }
}
