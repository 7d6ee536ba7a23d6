import { type Codec, numberCodec } from '../codec.ts'

/**
 * What a window makes of its events. `merge` joins two parts of one window, the earlier first; the result must not
 * depend on how the events were divided.
 *
 * @typeParam In  An event's value.
 * @typeParam Acc What is kept of a window; never changed in place.
 */
export interface Aggregate<In, Acc> extends Codec<Acc> {
  readonly empty: Acc
  add(acc: Acc, value: In, eventTime: number): Acc
  merge(earlier: Acc, later: Acc): Acc
  /** Nothing is left in it: the window has no value, and one that was said is withdrawn. Default: never. */
  isEmpty?(acc: Acc): boolean
}

/** How many events. */
export const countEvents: Aggregate<unknown, number> = {
  empty: 0,
  add: (acc) => acc + 1,
  merge: (earlier, later) => earlier + later,
  ...numberCodec,
}

/** The sum of numbers, rounded at each step: exact where all partial sums are. */
export const sumNumbers: Aggregate<number, number> = {
  empty: 0,
  add: (acc, value) => acc + value,
  merge: (earlier, later) => earlier + later,
  ...numberCodec,
}
