import { type ColumnBatch, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'
import { idOrderNames, sideNames, type Tick } from '../../schemas/tick.ts'
import { createLineWatermark } from '../core/line-watermark.ts'
import type { StreamRecord } from '../core/stream-record.ts'
import { createDoorOutput } from './door-output.ts'
import { type Step, step } from './step.ts'

/**
 * Makes a record of each tick that no step before has dropped, keyed by its symbol, and watermarks of what their lines
 * prove.
 *
 * The watermark is the least over the lines that are active; a line's own is its newest event time, or what a heartbeat
 * of it covers, less the out-of-orderness, less 1. It stands before the record that moved it. A line that is over
 * (`end`), or whose last symbol moved away, holds nothing up. Each record that goes on counts as what the steps make of
 * it: used, where none refuses it. `ingestTime` is the broker's append time: columns carry no other.
 *
 * ```
 * given   -(abch)--------     one batch; of line x: a at 10, c at 12, h a heartbeat up to 20; of line y: b at 14
 * tickRecords()               with an out-of-orderness of 0
 * gives   -(u a b v c w)-     a, b, c: records    u: watermark 9    v: watermark 11    w: watermark 13, held up by y
 * ```
 *
 * @param id Stable name of its state: the lines. Default `records`.
 */
export function tickRecords(id = 'records'): Step<ColumnBatch, StreamRecord<Tick>> {
  return step({ operator: 'tickRecords', id, options: {} }, (context) => {
    const { symbols, lines, effects } = context
    const time = createLineWatermark({ symbols, lines, ...context.watermark })
    for (const reader of context.restored(id)) time.read(reader)
    let told = time.current

    const control = ({ record, appendTime }: PlacedControl): void => {
      if (record.kind === 'reject' || record.kind === 'history' || record.kind === 'release') return
      const line = lines.localOfName(record.line)
      if (record.kind === 'heartbeat') time.covered(line, record.to, appendTime)
      else if (record.kind === 'end') time.end(line)
      else if (record.kind === 'move') time.move(symbols.localOfName(record.symbol), line)
    }
    return {
      rows({ columns, controls }, emit, _aside, advance) {
        const output = createDoorOutput<Tick, 'event'>(effects, told, emit, advance)
        const tell = (): void => output.watermark(time.current)
        const ticks = (from: number, to: number): void => {
          for (let i = from; i < to; i++) {
            if (columns.verdict[i] === verdict.rejected) continue
            const line = lines.localOf(columns.line[i] as number)
            time.tick(columns.local[i] as number, line, columns.eventTime[i] as number, columns.appendTime[i] as number)
            tell()
            if (columns.verdict[i] !== verdict.undecided) continue
            columns.verdict[i] = verdict.used
            const value = tickOf(columns, i, symbols.name(columns.local[i] as number), lines.name(line))
            const { symbol: key, eventTime } = value
            output.record({ flag: 'event', key, value, eventTime, offset: columns.offset[i] as number })
          }
        }
        let row = 0
        for (const placed of controls) {
          ticks(row, placed.row)
          row = placed.row
          control(placed)
          tell()
        }
        ticks(row, columns.length)
        told = time.current
      },
      barrier: (barrier) => time.write(barrier.state(id), barrier.full),
    }
  })
}

/** The columns are reused by the next batch: everything is copied. */
function tickOf(columns: TickColumns, i: number, symbol: string, line: string): Tick {
  return {
    symbol,
    eventTime: columns.eventTime[i] as number,
    price: columns.price[i] as number,
    size: columns.size[i] as number,
    side: sideNames[columns.side[i] as number] ?? 'unknown',
    tradeId: columns.tradeId[i] as number,
    idOrder: idOrderNames[columns.idOrder[i] as number] ?? 'unordered',
    sequence: columns.sequence[i] as number,
    line,
    ingestTime: columns.appendTime[i] as number,
  }
}
