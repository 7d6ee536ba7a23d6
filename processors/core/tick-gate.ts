import { type ColumnBatch, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'
import { deadLetterPayloadBytesMax } from '../../schemas/dead-letter.ts'
import { symbolPattern } from '../../schemas/tick.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Effects } from './effects.ts'
import { growInt32, growUint8 } from './grow.ts'
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
}

/** The first instant of the year 1: every store can hold what comes after it. */
const eventTimeMin = -62_135_596_800_000

const named = { unchecked: 0, good: 1, bad: 2 } as const

/**
 * Validates ticks: symbol, price, size, event time against the append time, and the line that the symbol belongs to.
 * A symbol belongs to the line of its first tick until a `move` control says otherwise.
 */
export function createTickGate({ symbols, lines, effects, futureBoundMs }: TickGateOptions): TickGate {
  // Checkpointed, by local symbol.
  let lineOf = new Int32Array(0) // local line, -1: none yet
  // Not checkpointed.
  let symbolState = new Uint8Array(0)
  let changed: number[] = []

  const ensure = (size: number): void => {
    if (size <= lineOf.length) return
    lineOf = growInt32(lineOf, size, -1)
    symbolState = growUint8(symbolState, lineOf.length)
  }
  const bind = (s: number, line: number): void => {
    ensure(s + 1)
    if (lineOf[s] === line) return
    lineOf[s] = line
    changed.push(s)
  }
  const isNamedWell = (s: number): boolean => {
    if (symbolState[s] === named.unchecked)
      symbolState[s] = symbolPattern.test(symbols.name(s)) ? named.good : named.bad
    return symbolState[s] === named.good
  }

  const reject = (
    columns: TickColumns,
    i: number,
    s: number,
    reason: Parameters<Effects['deadLetter']>[0]['reason'],
    detail: string,
  ): void => {
    columns.verdict[i] = verdict.rejected
    effects.counts.rejected += 1
    effects.deadLetter({ offset: columns.offset[i] as number, reason, detail, symbol: symbols.name(s) })
  }

  const rows = (columns: TickColumns, from: number, to: number): void => {
    const { symbol, line, price, size, eventTime, appendTime } = columns
    let lastGlobal = -1
    let lastLine = -1
    let s = -1
    let l = -1
    for (let i = from; i < to; i++) {
      const global = symbol[i] as number
      if (global !== lastGlobal) {
        s = symbols.localOf(global)
        lastGlobal = global
        if (s >= lineOf.length) ensure(s + 1)
      }
      if (symbolState[s] !== named.good && !isNamedWell(s)) {
        reject(columns, i, s, 'BAD_SYMBOL', `a symbol matches ${symbolPattern.source}`)
        continue
      }
      const p = price[i] as number
      if (!(p > 0 && p < Number.POSITIVE_INFINITY)) {
        reject(columns, i, s, 'BAD_PRICE', `a price is finite and > 0, was ${p}`)
        continue
      }
      const q = size[i] as number
      if (!(q > 0 && q < Number.POSITIVE_INFINITY)) {
        reject(columns, i, s, 'BAD_SIZE', `a size is finite and > 0, was ${q}`)
        continue
      }
      const t = eventTime[i] as number
      if (t < eventTimeMin) {
        reject(columns, i, s, 'BAD_TIME', `an event time is at least ${eventTimeMin}, was ${t}`)
        continue
      }
      if (t > (appendTime[i] as number) + futureBoundMs) {
        reject(
          columns,
          i,
          s,
          'FUTURE_TIME',
          `event time ${t} is more than ${futureBoundMs} ms ahead of ${appendTime[i]}`,
        )
        continue
      }
      if (line[i] !== lastLine) {
        lastLine = line[i] as number
        l = lines.localOf(lastLine)
      }
      if (lineOf[s] !== l) {
        if ((lineOf[s] as number) < 0) bind(s, l)
        else
          reject(
            columns,
            i,
            s,
            'WRONG_LINE',
            `${symbols.name(s)} belongs to ${lines.name(lineOf[s] as number)}, came by ${lines.name(l)}`,
          )
      }
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
    if (record.kind === 'move') bind(symbols.localOfName(record.symbol), lines.localOfName(record.line))
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
