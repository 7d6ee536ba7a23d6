import { timeMsMax } from '../../schemas/times.ts'
import type { Codec } from '../core/codec.ts'
import { createKeyedProcess, type Draft, type SetTimer, type Timer } from '../core/keyed-process.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { attempt } from './attempt.ts'
import { type RecordStep, recordStep } from './record-step.ts'
import type { Aside } from './step.ts'

/**
 * What a function of `process` sees and may do, for the key that it is called for. Nothing of it is done before the
 * function has returned, and nothing at all when it throws.
 *
 * @typeParam S       State of a key.
 * @typeParam V       Values that go out.
 * @typeParam Missing What `get` gives where there is no state: undefined, or never where `initial` makes one.
 */
export interface ProcessContext<S, V, Missing = undefined> {
  readonly key: string
  /** Every event up to it (epoch ms) has come; -Infinity before the first one is known. */
  readonly watermark: number
  /** A state is replaced, never changed in place. */
  readonly state: { get(): S | Missing; set(state: S): void; clear(): void }
  /** Puts a value out. Its event time is the record's; of a timer, see `process`. */
  emit(value: V, options?: { readonly eventTime?: number }): void
  /** Puts a value out for the side output of this name. */
  side(name: string, value: unknown): void
  /** One timer of a kind for an instant (whole ms) and key: to set it once more changes nothing. */
  readonly timers: {
    /** Due when the watermark reaches `at`. */
    eventTime(at: number): void
    /** Due at the first pulse at which the wall clock has reached `at`. */
    processingTime(at: number): void
    /** Both kinds. */
    cancel(at: number): void
  }
}

export interface ProcessOptions<T, S, V, F extends Flag, Missing> {
  readonly state: Codec<S>
  onRecord(context: ProcessContext<S, V, Missing>, record: StreamRecord<T, F>): void
  onTimer?(context: ProcessContext<S, V, Missing>, timer: Timer): void
}

/**
 * Runs functions of your own on a state for each key, with timers by event time and by the wall clock.
 *
 * Event-time timers fire when the watermark reaches them, by time, then key; one that was set for the past fires at the
 * next watermark. What they emit has their time, or 1 ms after the watermark before where they fired late: it is late
 * nowhere. Processing-time timers fire at pulses; what they emit has the event time of the record that set them, or 1
 * ms after the watermark where that has passed. What `onRecord` throws refuses the record; what `onTimer` throws
 * refuses the record that set the timer, and the timer is gone. A state and its timers are kept until they are cleared,
 * cancelled or fired.
 *
 * Example: count the visits of a user, and tell the count when there was none for 10.
 *
 * ```
 * given   -a--b--v--w-----     a: ann at 1    b: ann at 5    v: watermark 11    w: watermark 15
 * process('visits', ...)           sets the timers 11 and 15, and cancels 11 when b comes
 * gives   -------v--(Cw)--     C: ann at 15, a count of 2
 * ```
 *
 * @param id Stable name of its state. Timers that timers set are due in the same watermark where it has passed them,
 * `chainedTimersMax` of them; more wait for the next one, with the alarm `timers_postponed`.
 *
 * @throws {RangeError} In a function: a time that is no whole ms, or one timer more than `timersPerKeyMax` of a key.
 */
export function process<T, S, V, F extends Flag = 'event'>(
  id: string,
  options: ProcessOptions<T, S, V, F, never> & { initial(): S },
): RecordStep<T, F, V, 'event'>
export function process<T, S, V, F extends Flag = 'event'>(
  id: string,
  options: ProcessOptions<T, S, V, F, undefined> & { readonly initial?: undefined },
): RecordStep<T, F, V, 'event'>
export function process<T, S, V, F extends Flag>(
  id: string,
  options: ProcessOptions<T, S, V, F, undefined> & { readonly initial?: (() => S) | undefined },
): RecordStep<T, F, V, 'event'> {
  return recordStep({ operator: 'process', id, options: {} }, ({ effects, restored }) => {
    const cells = createKeyedProcess({ codec: options.state, onPostponed: () => effects.alarm('timers_postponed') })
    let watermark = Number.NEGATIVE_INFINITY
    for (const reader of restored(id)) {
      watermark = reader.f64()
      cells.read(reader)
    }
    const contextOf = (
      draft: Draft<S>,
      of: { readonly key: string; readonly offset: number; readonly eventTime: number },
      out: { emit(record: StreamRecord<V>): void; readonly aside: Aside },
    ): ProcessContext<S, V> => ({
      key: of.key,
      watermark,
      state: {
        get: () => draft.get() ?? options.initial?.(),
        set: (state) => draft.set(state),
        clear: () => draft.set(undefined),
      },
      emit(value, { eventTime = of.eventTime } = {}) {
        if (!Number.isSafeInteger(eventTime)) throw new RangeError(`an event time is whole ms, was ${eventTime}`)
        // Windows below would take it for a bug of ours, and end everything.
        if (Math.abs(eventTime) > timeMsMax)
          throw new RangeError(`an event time is at most ${timeMsMax} from 1970, was ${eventTime}`)
        out.emit({ flag: 'event', key: of.key, value, eventTime, offset: of.offset })
      },
      side: (name, value) => out.aside(name, { flag: 'event', value, ...of }),
      timers: {
        eventTime: (at) => draft.setTimer('eventTime', at),
        processingTime: (at) => draft.setTimer('processingTime', at),
        cancel: (at) => draft.cancelTimers(at),
      },
    })
    /** Tells a timer; what its function puts out goes on when it has returned. */
    const tell = (timer: SetTimer, draft: Draft<S>, eventTime: number, emit: Out<V>, aside: Aside): boolean => {
      const { kind, key, at, offset } = timer
      const held: (() => void)[] = []
      const context = contextOf(
        draft,
        { key, offset, eventTime },
        {
          emit: (record) => held.push(() => emit(record)),
          aside: (name, record) => held.push(() => aside(name, record)),
        },
      )
      const isDone = attempt(effects, { offset, key, stepId: id }, () => options.onTimer?.(context, { kind, key, at }))
      if (isDone) for (const release of held) release()
      return isDone
    }
    return {
      record(record, emit, aside) {
        const { key, offset, eventTime } = record
        const of = { key, offset, eventTime }
        cells.change(of, (draft) => options.onRecord(contextOf(draft, of, { emit, aside }), record))
      },
      watermark(to, emit, aside) {
        if (!(to > watermark)) return
        const before = watermark
        watermark = to
        cells.fire('eventTime', to, (timer, draft) => tell(timer, draft, Math.max(timer.at, before + 1), emit, aside))
      },
      pulse(emit, now, aside) {
        cells.fire('processingTime', now, (timer, draft) =>
          tell(timer, draft, Math.max(timer.eventTime, watermark + 1), emit, aside),
        )
      },
      barrier(barrier) {
        const writer = barrier.state(id)
        writer.f64(watermark)
        cells.write(writer, barrier.full)
      },
    }
  })
}

type Out<V> = (record: StreamRecord<V>) => void
