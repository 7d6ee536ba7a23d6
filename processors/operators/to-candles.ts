import type { CandleColumns } from '../../schemas/candle-columns.ts'
import { createCandleColumns } from '../../schemas/candle-columns.ts'
import type { ColumnBatch } from '../../schemas/columns.ts'
import { FatalError } from '../../schemas/errors.ts'
import { intervalName } from '../../schemas/intervals.ts'
import { createCandleWindows } from '../core/candle-windows.ts'
import { historySpans } from '../core/history-spans.ts'
import { createTradingCalendar, type TradingCalendar } from '../core/trading-calendar.ts'
import { type Duration, durationMs } from './duration.ts'
import { type Step, step } from './step.ts'

export interface ToCandlesOptions {
  /** Length of the base window. */
  readonly base: Duration
  /** Longer intervals, each a multiple of the base, ascending. */
  readonly rollUp: readonly Duration[]
  /** How long after its end a base window still takes ticks, as corrections. */
  readonly allowedLateness: Duration
  /** Least time between two updates of an open candle. */
  readonly emitEvery: Duration
  /** Trade ids of a symbol grow by one from trade to trade: a candle whose ids have holes is `partial`. Default false. */
  readonly consecutiveIds?: boolean
  /** When symbols trade: windows without trades outside of it are `closed`, not `quiet`. Default: always. */
  readonly calendar?: TradingCalendar
}

/** Name of the state that history leaves behind, beside the step's own. */
const historyStateOf = (id: string): string => `${id}.history`

/**
 * Event-time OHLCV candles: a base window and its roll-ups, as updates while open, then a final, then corrections.
 *
 * ```
 * given   -[a b]--p---[c]--p--[d]--#---     ticks of A at 12:00:10 a, 12:00:50 b, 12:01:20 c, 12:00:55 d    p: pulse    #: barrier
 * toCandles('candles', { base: '1m', rollUp: ['5m'], allowedLateness: '2m', emitEvery: '100ms' })
 * gives   --------u--------u-------(ff)-     u: updates of the open candles    f: finals, d is in that of 12:00
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`, or `BAD_INTERVALS` when a roll-up is no multiple of the base.
 */
export function toCandles(id: string, options: ToCandlesOptions): Step<ColumnBatch, CandleColumns> {
  const baseMs = durationMs(options.base)
  const rollUpMs = options.rollUp.map(durationMs)
  const allowedLatenessMs = durationMs(options.allowedLateness)
  for (const [i, sizeMs] of rollUpMs.entries()) {
    if (baseMs >= 1000 && sizeMs % baseMs === 0 && sizeMs > (rollUpMs[i - 1] ?? baseMs)) continue
    throw new FatalError({
      code: 'BAD_INTERVALS',
      message: `roll-ups are ascending multiples of the base window, was ${options.rollUp.join(', ')} over ${options.base}`,
      exitCode: 78,
    })
  }
  // Bad hours are told when the topology is declared.
  if (options.calendar !== undefined) createTradingCalendar(options.calendar)
  const description = {
    operator: 'toCandles',
    id,
    options: {
      base: intervalName(baseMs / 1000),
      baseMs,
      rollUp: rollUpMs.map((ms) => intervalName(ms / 1000)),
      allowedLatenessMs,
      emitEveryMs: durationMs(options.emitEvery),
      ...(options.consecutiveIds === true ? { consecutiveIds: true } : {}),
      ...(options.calendar === undefined ? {} : { calendar: JSON.stringify(options.calendar) }),
    },
  }
  return step(description, (context) => {
    const windows = createCandleWindows({
      ...context,
      baseMs,
      rollUpMs,
      allowedLatenessMs,
      hasConsecutiveIds: options.consecutiveIds ?? false,
    })
    for (const reader of context.restored(id)) windows.read(reader)
    for (const reader of context.restored(historyStateOf(id))) windows.readHistory(reader)
    context.offerOpenCandles?.(windows.open)
    context.offerHistory?.({
      appliedTo: () => windows.historyAppliedTo,
      spans: (segments) => historySpans(segments, [baseMs, ...rollUpMs]),
    })
    const rows = createCandleColumns()
    const flush = (emit: (rows: CandleColumns) => void): void => {
      if (rows.length > 0) emit(rows)
      rows.length = 0
    }
    return {
      rows: (batch) => windows.process(batch),
      pulse(emit, _now, _aside, limit) {
        windows.pulse(rows, limit)
        flush(emit)
      },
      barrier(barrier, emit) {
        windows.barrier(rows)
        flush(emit)
        windows.write(barrier.state(id), barrier.full)
        windows.writeHistory(barrier.state(historyStateOf(id)), barrier.full)
      },
    }
  })
}
