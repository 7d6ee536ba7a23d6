import { type ColumnBatch, createTickColumns, type PlacedControl } from '../schemas/columns.ts'
import type { ControlRecord } from '../schemas/control.ts'
import type { HistoryInput } from '../schemas/history.ts'
import type { Interner } from '../schemas/interner.ts'
import { idOrder, side, type Tick } from '../schemas/tick.ts'

export type LogEntry =
  | { readonly tick: Tick; readonly appendTime?: number }
  | { readonly control: ControlRecord; readonly appendTime?: number; readonly history?: HistoryInput }

/** Append time of entries that name none: no event time of a test lies ahead of it. */
const appendTimeDefault = Number.MAX_SAFE_INTEGER - 1e9

/** Makes column batches of a log, as a broker would hand them out. */
export interface ColumnLog {
  /** The next piece of the log as one batch. */
  batch(entries: readonly LogEntry[]): ColumnBatch
}

export function createColumnLog(symbols: Interner, lines: Interner, partition = 0): ColumnLog {
  let offset = 0
  return {
    batch(entries) {
      const columns = createTickColumns(Math.max(1, entries.length))
      const controls: PlacedControl[] = []
      const baseOffset = offset
      for (const entry of entries) {
        const { appendTime = appendTimeDefault } = entry
        if ('control' in entry) {
          const { control: record, history } = entry
          const placed = { row: columns.length, offset: offset++, appendTime, record }
          controls.push(history === undefined ? placed : { ...placed, history })
          continue
        }
        const i = columns.length++
        const { tick } = entry
        columns.offset[i] = offset++
        columns.appendTime[i] = appendTime
        columns.symbol[i] = symbols.internName(tick.symbol)
        columns.line[i] = lines.internName(tick.line)
        columns.eventTime[i] = tick.eventTime
        columns.price[i] = tick.price
        columns.size[i] = tick.size
        columns.side[i] = side[tick.side]
        columns.idOrder[i] = idOrder[tick.idOrder]
        columns.tradeId[i] = tick.tradeId
        columns.sequence[i] = tick.sequence
      }
      return { partition, baseOffset, nextOffset: offset, columns, controls, refused: [] }
    },
  }
}
