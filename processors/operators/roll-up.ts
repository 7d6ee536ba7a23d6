import { invariant } from '../../schemas/errors.ts'
import { type Codec, jsonCodec } from '../core/codec.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import type { CalendarSpec } from '../core/windows/calendar.ts'
import { createKeyedWindows } from '../core/windows/keyed-windows.ts'
import { type ChildWord, type Parent, rollUpAggregate } from '../core/windows/roll-up.ts'
import { checkWindow, type WindowSpec, windowAssigner } from '../core/windows/window.ts'
import type { UpdateOptions } from './aggregate.ts'
import { type Duration, durationMs, durationName } from './duration.ts'
import type { RecordStep } from './record-step.ts'
import { windowedStep } from './windowed-step.ts'
import { tumblingWindows, windowName } from './windows.ts'

export interface RollUpOptions<T> extends UpdateOptions {
  /** Length of the parents, a multiple of the children's; or a calendar. */
  readonly size: Duration | CalendarSpec
  /** Joins the values of two neighbours. */
  readonly merge: (earlier: T, later: T) => T
  /** How long after its end a parent is kept: at least as long as the children are. */
  readonly allowedLateness: Duration
  /** How a child's value is kept. Default: JSON. */
  readonly codec?: Codec<T>
}

/**
 * Longer windows over windows: a parent's value is the merge of what its children said last.
 *
 * A child's correction replaces what it had said, a retraction takes it back, and a parent that has no child left is
 * retracted. A parent is final when the watermark passes its end, and corrected after that at each word of a child. What
 * comes when its lateness is over is refused (`late`); a child that lies in no parent, or whose merge throws, is refused
 * (`rejected`). Updates of children count for updates of parents only. Windows of arrival order have no places in time.
 *
 * ```
 * given   -a----b----w------c---     a: final [0,5) 1   b: final [5,10) 2   w: watermark 9   c: correction [0,5) 4
 * rollUp('tens', { size: 10, merge: (a, b) => a + b, allowedLateness: 5 })
 * gives   ----------(fw)----d---     f: final [0,10) 3   d: correction [0,10) 6
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`, `BAD_WINDOW`, `BAD_ZONE`.
 */
export function rollUp<T>(
  id: string,
  { size, merge, allowedLateness, emitEvery, codec = jsonCodec<T>() }: RollUpOptions<T>,
): RecordStep<Windowed<T>, WindowFlag, Windowed<T>, WindowFlag> {
  const window: WindowSpec = typeof size === 'object' ? size : tumblingWindows(size)
  const allowedLatenessMs = durationMs(allowedLateness)
  const emitEveryMs = emitEvery === undefined ? undefined : durationMs(emitEvery)
  checkWindow(window, allowedLatenessMs)
  const assign = windowAssigner(window)
  const updates = emitEveryMs === undefined ? {} : { emitEvery: durationName(emitEveryMs) }
  return windowedStep<Windowed<T>, WindowFlag, ChildWord<T>, Parent<T>, T>({
    description: { operator: 'rollUp', id, options: { window: windowName(window), allowedLatenessMs, ...updates } },
    open: () => createKeyedWindows({ window, allowedLatenessMs, aggregate: rollUpAggregate(merge, codec) }),
    put(windows, { flag, key, value: child }) {
      const [parent] = assign(child.start)
      if (parent === undefined || child.end > parent.end)
        throw new RangeError(`the window [${child.start}, ${child.end}) lies in no window of ${windowName(window)}`)
      if (flag === 'update' && emitEveryMs === undefined) return undefined
      const word = { child, isWithdrawn: flag === 'retraction' }
      const [late] = windows.add(key, child.start, word, flag === 'update' ? 0 : 1)
      if (late === undefined) return undefined
      return `the window [${late.start}, ${late.end}) and its lateness of ${durationName(allowedLatenessMs)} are over`
    },
    view({ merged }) {
      invariant(merged !== undefined, 'a parent that speaks has had a child')
      return merged.value
    },
    emitEveryMs,
  })
}
