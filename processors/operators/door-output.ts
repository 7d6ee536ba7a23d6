import type { Effects } from '../core/effects.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'

/** Where a door puts what it lets in. */
export interface DoorOutput<T, F extends Flag> {
  /** A record goes through all steps before this returns, and is counted by what they made of it. */
  record(record: StreamRecord<T, F>): void
  /** Every event up to `watermark` has come; one that is not above the last is not told. */
  watermark(watermark: number): void
}

/** @param told The watermark that was told last, before what was restored. */
export function createDoorOutput<T, F extends Flag>(
  effects: Effects,
  told: number,
  emit: (record: StreamRecord<T, F>) => void,
  advance: (watermark: number) => void,
): DoorOutput<T, F> {
  let last = told
  return {
    record(record) {
      emit(record)
      effects.counts[effects.takeOutcome() ?? 'used'] += 1
    },
    watermark(watermark) {
      if (!(watermark > last)) return
      last = watermark
      advance(watermark)
      // What time brought about is no word about a record.
      effects.takeOutcome()
    },
  }
}
