import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import type { Aggregate } from '../core/windows/aggregate.ts'
import { createArrivalWindows } from '../core/windows/arrival-windows.ts'
import { createKeyedWindows } from '../core/windows/keyed-windows.ts'
import { checkWindow, type WindowSpec, windowAssigner } from '../core/windows/window.ts'
import { type Duration, durationMs, durationName } from './duration.ts'
import type { RecordStep } from './record-step.ts'
import type { SideTag } from './side-output.ts'
import { windowedStep } from './windowed-step.ts'
import { type CountSpec, windowName } from './windows.ts'

/** Windows of event time, and how long they take late records. */
export interface TimeWindowed<T> {
  readonly window: WindowSpec
  /** How long after its end a window still takes records, as corrections. */
  readonly allowedLateness: Duration
  /** Side output for records that are late for all their windows. */
  readonly late?: SideTag<T>
}

/** Windows of arrival order: nothing is late for them. */
export interface CountWindowed {
  readonly window: CountSpec
  readonly allowedLateness?: undefined
  readonly late?: undefined
}

export interface UpdateOptions {
  /** Least wall time between two updates of open windows; without it there are none. */
  readonly emitEvery?: Duration
}

export type AggregateOptions<T, Acc> = (TimeWindowed<T> | CountWindowed) &
  UpdateOptions & {
    /** How a window's value comes about and is kept; `{ ...jsonCodec<Acc>(), empty, add, merge }` is one. */
    readonly aggregate: Aggregate<T, Acc>
  }

/**
 * Aggregates the events of a key by windows: a `final` when the watermark passes a window's end, a `correction` for each
 * later record that changes it, a `retraction` of a session that a merge took in, `update`s of open windows if asked for.
 *
 * A record that is late for all its windows is refused (`late`), and goes to the side output if there is one; one whose
 * aggregate throws is refused (`rejected`). One outside of trading hours falls in no window. Takes events only: make them
 * of windows by `finals()`.
 *
 * ```
 * given   -a--b--w-----c--p--     a: 3 1   b: 7 2   w: watermark 9   c: 4 5
 * aggregate('sums', { window: tumblingWindows(10), allowedLateness: 5, aggregate: sumNumbers })
 * gives   -------(fw)--d--p--     f: final [0,10) 3   d: correction [0,10) 8
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`, `BAD_WINDOW`, `BAD_ZONE`, `BAD_TRADING_HOURS`.
 */
export function aggregate<T, Acc>(
  id: string,
  options: AggregateOptions<T, Acc>,
): RecordStep<T, 'event', Windowed<Acc>, WindowFlag> {
  return windowedAggregate('aggregate', id, options, (acc) => acc)
}

/** As `aggregate`, under another operator's name, of which only a part of what is kept goes on. */
export function windowedAggregate<T, Acc, U>(
  operator: string,
  id: string,
  options: AggregateOptions<T, Acc>,
  view: (acc: Acc) => U,
): RecordStep<T, 'event', Windowed<U>, WindowFlag> {
  const emitEveryMs = options.emitEvery === undefined ? undefined : durationMs(options.emitEvery)
  const described = {
    window: windowName(options.window),
    ...(emitEveryMs === undefined ? {} : { emitEvery: durationName(emitEveryMs) }),
  }
  if (options.allowedLateness === undefined) {
    const { window, aggregate: kept } = options
    return windowedStep<T, 'event', T, Acc, U>({
      description: { operator, id, options: described },
      open: () => createArrivalWindows({ aggregate: kept, isFull: (_, count) => count >= window.count }),
      put: (windows, { key, eventTime, value }) => void windows.add(key, eventTime, value),
      ...{ view, emitEveryMs },
    })
  }
  const { window, aggregate: kept, late } = options
  const allowedLatenessMs = durationMs(options.allowedLateness)
  checkWindow(window, allowedLatenessMs)
  const assign = windowAssigner(window)
  const lateTo = late === undefined ? {} : { late: late.name }
  return windowedStep<T, 'event', T, Acc, U>({
    description: { operator, id, options: { ...described, allowedLatenessMs, ...lateTo } },
    open: () => createKeyedWindows({ window, allowedLatenessMs, aggregate: kept }),
    put(windows, { key, eventTime, value }) {
      const missed = windows.add(key, eventTime, value)
      const last = missed.at(-1)
      if (last === undefined || missed.length < assign(eventTime).length) return undefined
      return `the window [${last.start}, ${last.end}) and its lateness of ${durationName(allowedLatenessMs)} are over`
    },
    ...{ view, emitEveryMs, late: late?.name },
  })
}
