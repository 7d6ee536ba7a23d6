import type { AvroReader } from './avro-reader.ts'
import { idOrder, side, type Tick, tickAvro } from './tick.ts'
import { type ColumnRead, type ColumnTarget, lineBytesMax, read, symbolBytesMax } from './tick-columns-code.ts'

/** What of a tick becomes columns. */
export type ColumnTick = Omit<Tick, 'ingestTime'>

/** `tickAvro` without what no column holds. */
export const columnTickAvro = {
  ...tickAvro,
  fields: tickAvro.fields.filter((field) => field.name !== 'ingestTime'),
}

/** What stands in a string for bytes that are no UTF-8. */
export const replacement = '\uFFFD'

/** Reads by a resolving reader into the same columns as the compiled way, with the same result for the same bytes. */
export function generalColumnRead(reader: AvroReader<ColumnTick>, target: ColumnTarget): ColumnRead {
  const { columns, symbols, lines } = target
  return (bytes, _view, _viewStart, from, to, row) => {
    const tick = reader.read(bytes, from, to)
    if (tick === undefined) return read.unreadable
    if (tick.symbol.includes(replacement) || tick.line.includes(replacement)) return read.notUtf8
    if (Buffer.byteLength(tick.symbol) > symbolBytesMax) return read.symbolLength
    if (Buffer.byteLength(tick.line) > lineBytesMax) return read.lineLength
    const symbolId = symbols.internName(tick.symbol)
    if (symbolId < 0) return read.symbolsFull
    const lineId = lines.internName(tick.line)
    if (lineId < 0) return read.linesFull
    columns.symbol[row] = symbolId
    columns.line[row] = lineId
    columns.eventTime[row] = tick.eventTime
    columns.price[row] = tick.price
    columns.size[row] = tick.size
    columns.side[row] = side[tick.side]
    columns.idOrder[row] = idOrder[tick.idOrder]
    columns.tradeId[row] = tick.tradeId
    columns.sequence[row] = tick.sequence
    return read.ok
  }
}
