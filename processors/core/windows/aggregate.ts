import type { ByteReader, ByteWriter } from '../byte-buffer.ts'

/**
 * What a window makes of its events. `merge` joins two parts of one window, the earlier first; the result must not
 * depend on how the events were divided.
 *
 * @typeParam In  An event's value.
 * @typeParam Acc What is kept of a window; never changed in place.
 */
export interface Aggregate<In, Acc> {
  readonly empty: Acc
  add(acc: Acc, value: In, eventTime: number): Acc
  merge(earlier: Acc, later: Acc): Acc
  write(writer: ByteWriter, acc: Acc): void
  read(reader: ByteReader): Acc
}

const number = {
  write: (writer: ByteWriter, acc: number): void => writer.f64(acc),
  read: (reader: ByteReader): number => reader.f64(),
}

/** How many events. */
export const countEvents: Aggregate<unknown, number> = {
  empty: 0,
  add: (acc) => acc + 1,
  merge: (earlier, later) => earlier + later,
  ...number,
}

/** The sum of numbers, rounded at each step: exact where all partial sums are. */
export const sumNumbers: Aggregate<number, number> = {
  empty: 0,
  add: (acc, value) => acc + value,
  merge: (earlier, later) => earlier + later,
  ...number,
}
