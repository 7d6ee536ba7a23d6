import { FatalError, invariant } from '../../schemas/errors.ts'
import { type Bar, type BarTrade, barAggregate, barMeasures } from '../core/bars.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { createArrivalWindows } from '../core/windows/arrival-windows.ts'
import type { UpdateOptions } from './aggregate.ts'
import { durationMs, durationName } from './duration.ts'
import type { RecordStep } from './record-step.ts'
import { windowedStep } from './windowed-step.ts'

export interface ToBarsOptions extends UpdateOptions {
  /** What fills a bar: the count of trades, the sum of their sizes, or of price times size. */
  readonly by: keyof typeof barMeasures
  /** A bar is final when it has come to this, > 0; the trade that fills it belongs to it whole. */
  readonly size: number
}

/**
 * Tick, volume or value bars: the trades of a key in arrival order, a bar `final` as soon as it is full, `update`s at pulses
 * if asked for.
 *
 * Open and close are the first and the last to arrive; `[start, end)` is from the event time of the first to after the
 * greatest. Nothing is late. A trade without a price, or with a size of 0 or less, is refused.
 *
 * ```
 * given   -a-----b-----c--w--     a: 3 0.5@100   b: 4 0.7@101   c: 9 0.2@99
 * toBars('by-volume', { by: 'volume', size: 1 })
 * gives   -------f--------w--     f: final [3,5) 1.2, open 100, close 101
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_BAR_SIZE`, `BAD_DURATION`.
 */
export function toBars<T extends BarTrade>(
  id: string,
  { by, size, emitEvery }: ToBarsOptions,
): RecordStep<T, 'event', Windowed<Bar>, WindowFlag> {
  if (!(Number.isFinite(size) && size > 0))
    throw new FatalError({ code: 'BAD_BAR_SIZE', message: `a bar has a size > 0, was ${size}`, exitCode: 78 })
  const measure = barMeasures[by]
  const emitEveryMs = emitEvery === undefined ? undefined : durationMs(emitEvery)
  const updates = emitEveryMs === undefined ? {} : { emitEvery: durationName(emitEveryMs) }
  return windowedStep<T, 'event', BarTrade, Bar | undefined, Bar>({
    description: { operator: 'toBars', id, options: { by, size, ...updates } },
    open: () =>
      createArrivalWindows({ aggregate: barAggregate, isFull: (bar) => bar !== undefined && measure(bar) >= size }),
    put: (windows, { key, eventTime, value }) => void windows.add(key, eventTime, value),
    view(bar) {
      invariant(bar !== undefined, 'a bar that speaks has had a trade')
      return bar
    },
    emitEveryMs,
  })
}
