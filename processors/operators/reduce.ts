import { invariant } from '../../schemas/errors.ts'
import { type Codec, jsonCodec } from '../core/codec.ts'
import { createKeyedState } from '../core/keyed-state.ts'
import type { StreamRecord, Windowed, WindowFlag } from '../core/stream-record.ts'
import type { Aggregate } from '../core/windows/aggregate.ts'
import { type CountWindowed, type TimeWindowed, type UpdateOptions, windowedAggregate } from './aggregate.ts'
import { type RecordStep, recordStep } from './record-step.ts'

export interface ReduceOptions<T> {
  /** Joins what there is with the next value. */
  readonly fn: (earlier: T, later: T) => T
  /** How a value is kept. Default: JSON. */
  readonly codec?: Codec<T>
}

/** A value that there is; undefined stands for none. */
type Kept<T> = { readonly value: T } | undefined

/**
 * Joins the values of a key, in arrival order: without a window into one that runs on, of which every new value is an
 * event; with one, a value for each window, as `aggregate` says it.
 *
 * A record whose function throws is refused. A running value is kept for good: for keys without end use windows.
 *
 * ```
 * given   -a-----b-----c--w--     a: 12 3   b: 7 5   c: 8 1
 * reduce('highest', { fn: Math.max })
 * gives   -A-----B-----C--w--     A: 12 3   B: 7 5   C: 8 5
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`, `BAD_WINDOW`, `BAD_ZONE`, `BAD_TRADING_HOURS`.
 */
export function reduce<T>(
  id: string,
  options: ReduceOptions<T> & { readonly window?: undefined },
): RecordStep<T, 'event', T, 'event'>
export function reduce<T>(
  id: string,
  options: ReduceOptions<T> & (TimeWindowed<T> | CountWindowed) & UpdateOptions,
): RecordStep<T, 'event', Windowed<T>, WindowFlag>
export function reduce<T>(
  id: string,
  options: ReduceOptions<T> & ({ readonly window?: undefined } | ((TimeWindowed<T> | CountWindowed) & UpdateOptions)),
): RecordStep<T, 'event', T, 'event'> | RecordStep<T, 'event', Windowed<T>, WindowFlag> {
  const { fn, codec = jsonCodec<T>() } = options
  if (options.window === undefined) return runningReduce(id, fn, codec)
  return windowedAggregate('reduce', id, { ...options, aggregate: reduction(fn, codec) }, (acc) => {
    invariant(acc !== undefined, 'a window that speaks has had an event')
    return acc.value
  })
}

function runningReduce<T>(id: string, fn: ReduceOptions<T>['fn'], codec: Codec<T>): RecordStep<T, 'event', T, 'event'> {
  return recordStep({ operator: 'reduce', id, options: {} }, (context) => {
    const state = createKeyedState<{ readonly value: T }>({
      write: (writer, { value }) => codec.write(writer, value),
      read: (reader) => ({ value: codec.read(reader) }),
    })
    for (const reader of context.restored(id)) state.read(reader)
    return {
      record(record: StreamRecord<T>, emit) {
        const before = state.get(record.key)
        const value = before === undefined ? record.value : fn(before.value, record.value)
        state.set(record.key, { value })
        emit({ ...record, value })
      },
      barrier: (barrier) => state.write(barrier.state(id), barrier.full),
    }
  })
}

function reduction<T>(fn: ReduceOptions<T>['fn'], codec: Codec<T>): Aggregate<T, Kept<T>> {
  return {
    empty: undefined,
    add: (acc, value) => ({ value: acc === undefined ? value : fn(acc.value, value) }),
    merge: (earlier, later) =>
      earlier === undefined || later === undefined ? (earlier ?? later) : { value: fn(earlier.value, later.value) },
    write(writer, acc) {
      writer.byte(acc === undefined ? 0 : 1)
      if (acc !== undefined) codec.write(writer, acc.value)
    },
    read: (reader) => (reader.byte() === 1 ? { value: codec.read(reader) } : undefined),
  }
}
