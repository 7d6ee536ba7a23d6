import type { CandleColumns } from '../../schemas/candle-columns.ts'
import { createCandleColumns } from '../../schemas/candle-columns.ts'
import type { ColumnBatch } from '../../schemas/columns.ts'
import { FatalError } from '../../schemas/errors.ts'
import { intervalName } from '../../schemas/intervals.ts'
import { createCandleWindows } from '../core/candle-windows.ts'
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
}

/**
 * Event-time OHLCV candles: a base window and its roll-ups, as updates while open, then a final, then corrections.
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
  const description = {
    operator: 'toCandles',
    id,
    options: {
      base: intervalName(baseMs / 1000),
      baseMs,
      rollUp: rollUpMs.map((ms) => intervalName(ms / 1000)),
      allowedLatenessMs,
      emitEveryMs: durationMs(options.emitEvery),
    },
  }
  return step(description, (context) => {
    const windows = createCandleWindows({ ...context, baseMs, rollUpMs, allowedLatenessMs })
    for (const reader of context.restored(id)) windows.read(reader)
    context.offerOpenCandles?.(windows.open)
    const rows = createCandleColumns()
    const flush = (emit: (rows: CandleColumns) => void): void => {
      if (rows.length > 0) emit(rows)
      rows.length = 0
    }
    return {
      rows: (batch) => windows.process(batch),
      pulse(emit) {
        windows.pulse(rows)
        flush(emit)
      },
      barrier(barrier, emit) {
        windows.barrier(rows)
        flush(emit)
        windows.write(barrier.state(id), barrier.full)
      },
    }
  })
}
