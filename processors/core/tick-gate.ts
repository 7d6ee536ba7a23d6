import { type ColumnBatch, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'
import { type DeadLetterReason, deadLetterPayloadBytesMax } from '../../schemas/dead-letter.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { symbolPattern } from '../../schemas/tick.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Effects } from './effects.ts'
import { growInt32 } from './grow.ts'
import { takeHeldOut } from './held-rows.ts'
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
  /** Whether a symbol (the worker's id) is held: its good rows are counted and taken out, and leave only their time. */
  isHeld?(symbol: number): boolean
}

/** The first instant of the year 1: every store can hold what comes after it. */
const eventTimeMin = -62_135_596_800_000

/** What is known of a symbol of the worker's table, in place of a local number. */
const seat = { unknown: -1, badName: -2, elsewhere: -3, held: -4 } as const

/** Prices and sizes stay below it: their products and the sums of those are finite. */
const amountMax = 1e100

/** What a run of good rows looks at; the arrays are put in anew before each run. */
interface GateRun {
  /** By the worker's id of a symbol: its seat. */
  seats: Int32Array
  /** By local symbol: the worker's id of its line. */
  lineIds: Int32Array
  readonly futureBoundMs: number
}

/**
 * Passes rows that are plainly good, and gives them their local symbol. No call in the loop: see "Hot loops" in
 * docs/hacking.md.
 *
 * @returns The first row that is not.
 */
function runGood(run: GateRun, columns: TickColumns, from: number, to: number): number {
  const { symbol, line, price: prices, size: sizes, eventTime, appendTime, local } = columns
  const { seats, lineIds, futureBoundMs } = run
  const seen = seats.length | 0
  const end = to | 0
  let i = from | 0
  for (; i < end; i++) {
    const id = symbol[i] as number
    if (id >= seen) break
    const s = seats[id] as number
    if (s < 0 || lineIds[s] !== line[i]) break
    const price = prices[i] as number
    const size = sizes[i] as number
    const time = eventTime[i] as number
    if (!(price > 0 && price < amountMax && size > 0 && size < amountMax && time >= eventTimeMin)) break
    if (time > (appendTime[i] as number) + futureBoundMs) break
    local[i] = s
  }
  return i
}

/**
 * Validates ticks: symbol, price, size, event time against the append time, and the line that the symbol belongs to.
 * A symbol belongs to the line of its first tick until a `move` control says otherwise.
 */
export function createTickGate(options: TickGateOptions): TickGate {
  const { symbols, lines, effects, futureBoundMs, partition, partitions } = options
  // Checkpointed, by local symbol.
  let lineIds = new Int32Array(0) // the worker's id of its line, -1: none yet
  // Not checkpointed, by the worker's id: a bad name gets no place in the partition's state.
  let seats = new Int32Array(0)
  let changed: number[] = []
  /** Rows of the batch in hand that are held. */
  let held = 0

  const ensure = (size: number): void => {
    if (size > lineIds.length) lineIds = growInt32(lineIds, size, -1)
  }
  const bind = (s: number, line: number): void => {
    ensure(s + 1)
    if (lineIds[s] === line) return
    lineIds[s] = line
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
        seats[global] = options.isHeld?.(global) === true ? seat.held : s
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
  const holdBack = (columns: TickColumns, i: number): void => {
    columns.verdict[i] = verdict.held
    effects.counts.held += 1
    held += 1
  }
  /** A row that is not plainly good: says why not, or binds its symbol to its line, or holds it back. */
  const judge = (columns: TickColumns, i: number): void => {
    const id = columns.symbol[i] as number
    const seated = seatOf(id)
    const s = seated === seat.held ? symbols.localOf(id) : seated
    if (s < 0) {
      rejectSymbol(columns, i, s)
      return
    }
    columns.local[i] = s
    const price = columns.price[i] as number
    const size = columns.size[i] as number
    const time = columns.eventTime[i] as number
    const line = columns.line[i] as number
    const latest = (columns.appendTime[i] as number) + futureBoundMs
    const own = lineIds[s] as number
    if (!(price > 0 && price < amountMax)) reject(columns, i, 'BAD_PRICE', `a price is > 0 and < 1e100, was ${price}`)
    else if (!(size > 0 && size < amountMax)) reject(columns, i, 'BAD_SIZE', `a size is > 0 and < 1e100, was ${size}`)
    else if (!(time >= eventTimeMin))
      reject(columns, i, 'BAD_TIME', `an event time is at least ${eventTimeMin}, was ${time}`)
    else if (time > latest)
      reject(
        columns,
        i,
        'FUTURE_TIME',
        `an event time is at most ${futureBoundMs} ms ahead of its append: ${latest}, was ${time}`,
      )
    else if (own < 0) bind(s, line)
    else if (own !== line) {
      const detail = `${symbols.name(s)} belongs to ${lines.globalName(own)}, came by ${lines.globalName(line)}`
      reject(columns, i, 'WRONG_LINE', detail)
    }
    if (seated === seat.held && columns.verdict[i] === verdict.undecided) holdBack(columns, i)
  }

  const nameOfLine = (line: number): string => lines.globalName(line)
  const known: GateRun = { seats, lineIds, futureBoundMs }
  const rows = (columns: TickColumns, from: number, to: number): void => {
    for (let i = from; ; i++) {
      known.seats = seats
      known.lineIds = lineIds
      i = runGood(known, columns, i, to)
      if (i >= to) return
      judge(columns, i)
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
      bind(symbols.localOfName(record.symbol), lines.globalOf(lines.localOfName(record.line)))
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
      held = 0
      if (controls.length === 0) {
        rows(columns, 0, columns.length)
        return held === 0 ? batch : { ...batch, controls: takeHeldOut(columns, controls, nameOfLine) }
      }
      const kept: PlacedControl[] = []
      let row = 0
      for (const placed of controls) {
        rows(columns, row, placed.row)
        row = placed.row
        if (control(placed)) kept.push(placed)
      }
      rows(columns, row, columns.length)
      return { ...batch, controls: held === 0 ? kept : takeHeldOut(columns, kept, nameOfLine) }
    },
    write(writer, full) {
      const list = full ? Array.from({ length: Math.min(symbols.size, lineIds.length) }, (_, s) => s) : changed
      const bound = list.filter((s) => (lineIds[s] as number) >= 0)
      writer.uint(bound.length)
      for (const s of bound) {
        writer.text(symbols.name(s))
        writer.text(lines.globalName(lineIds[s] as number))
      }
      changed = []
    },
    read(reader) {
      for (let count = reader.uint(); count > 0; count--) {
        const [symbol, line] = [reader.text(), reader.text()]
        if (reader.moved?.isElsewhere(symbol) !== true)
          bind(symbols.localOfName(symbol), lines.globalOf(lines.localOfName(line)))
      }
      changed = []
    },
  }
}
