import type { Flag, StreamRecord, Windowed, WindowFlag } from '../core/stream-record.ts'
import type { EventWindows } from '../core/windows/keyed-windows.ts'
import type { WindowEmission } from '../core/windows/window-entry.ts'
import { type RecordStep, recordStep } from './record-step.ts'
import type { StepDescription } from './step.ts'

export interface WindowedStepOptions<T, F extends Flag, In, Acc, U> {
  readonly description: StepDescription & { readonly id: string }
  readonly open: () => EventWindows<In, Acc>
  /**
   * Puts a record into the windows.
   *
   * @returns Why it is late; undefined when it is not.
   */
  readonly put: (windows: EventWindows<In, Acc>, record: StreamRecord<T, F>) => string | undefined
  readonly view: (acc: Acc) => U
  /** Least wall time between two updates of open windows; without it there are none. */
  readonly emitEveryMs: number | undefined
  /** Side output for late records. */
  readonly late?: string | undefined
}

/**
 * A step that keeps windows: what they say goes on at once, after each record or watermark, so that the order downstream
 * is a function of the log; updates come at pulses.
 *
 * An emission has the last instant of its window as event time, and the offset of the last record that was put; 0 where
 * only updates were.
 */
export function windowedStep<T, F extends Flag, In, Acc, U>(
  options: WindowedStepOptions<T, F, In, Acc, U>,
): RecordStep<T, F, Windowed<U>, WindowFlag> {
  const { description, put, view, emitEveryMs, late } = options
  const { id } = description
  return recordStep(description, (context) => {
    const windows = options.open()
    let lastOffset = -1
    for (const reader of context.restored(id)) {
      lastOffset = reader.f64()
      windows.read(reader)
    }
    // Not checkpointed.
    let updatedAt = Number.NEGATIVE_INFINITY

    const recordOf = (emission: WindowEmission<Acc>): StreamRecord<Windowed<U>, WindowFlag> => {
      const { kind, key, window, value, revision } = emission
      const { start, end } = window
      return {
        ...{ flag: kind, key, value: { start, end, value: view(value), revision } },
        ...{ eventTime: end - 1, offset: Math.max(lastOffset, 0) },
      }
    }
    return {
      record(record, emit, aside) {
        const whyLate = put(windows, record)
        // Updates are a matter of the wall clock: nothing that lasts may come of them.
        if (record.flag !== 'update') lastOffset = record.offset
        if (whyLate !== undefined) {
          const { offset, key } = record
          context.effects.refuse({ offset, key, stepId: id, result: 'late', detail: whyLate })
          if (late !== undefined) aside(late, record)
        }
        for (const emission of windows.drain()) emit(recordOf(emission))
      },
      watermark(watermark, emit) {
        windows.advance(watermark)
        for (const emission of windows.drain()) emit(recordOf(emission))
      },
      pulse(emit, now) {
        // A clock that was put back does not silence the step.
        if (emitEveryMs === undefined || Math.abs(now - updatedAt) < emitEveryMs) return
        updatedAt = now
        for (const emission of windows.pulse()) emit(recordOf(emission))
      },
      barrier(barrier) {
        const writer = barrier.state(id)
        writer.f64(lastOffset)
        windows.write(writer, barrier.full)
      },
    }
  })
}
