import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Codec } from './codec.ts'
import { createTimedRecords, type TimedRecord, type TimedRecords } from './timed-records.ts'

/** Records of a key that wait on one side of a join; one more is refused. */
export const joinWaitingMax = 100_000

/** A record as a join takes it. */
export type JoinRecord<T> = Pick<TimedRecord<T>, 'key' | 'eventTime' | 'offset' | 'value'>

/** One side of a join: ask for the partners of a record, then add it. */
export interface JoinSide<Own, Other> {
  /** The other side's records that this one meets, ascending by event time, then arrival. */
  partnersOf(key: string, eventTime: number): readonly TimedRecord<Other>[]
  /** Keeps a record for partners that are still to come. */
  add(record: JoinRecord<Own>, partners: readonly TimedRecord<Other>[]): void
  /** Whether the key has `joinWaitingMax` records waiting. */
  isFull(key: string): boolean
}

/** An interval join of one partition: which records of two sides meet, and how long each waits. */
export interface IntervalJoin<L, R> {
  readonly left: JoinSide<L, R>
  readonly right: JoinSide<R, L>
  /** Whether the watermark has passed an event time by more than the lateness allows. */
  isLate(eventTime: number): boolean
  /**
   * Every event up to `watermark` has come: forgets what no partner can come for any more.
   *
   * @returns The left records among it that never met one, by event time, key and arrival.
   */
  advance(watermark: number): readonly TimedRecord<L>[]
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
  readonly watermark: number
  /** Records that wait, of both sides. */
  readonly size: number
}

export interface IntervalJoinOptions<L, R> {
  /** A left record at `t` meets the right ones of its key in `[t - beforeMs, t + afterMs]`. */
  readonly beforeMs: number
  readonly afterMs: number
  readonly allowedLatenessMs: number
  readonly codecs: { readonly left: Codec<L>; readonly right: Codec<R> }
}

/**
 * Joins two sides by key and distance in event time.
 *
 * A record is late when the watermark has reached its event time + the lateness. All others meet: a record waits as
 * long as one that is not late may still come, which is its interval and the lateness. So the pairs depend on which
 * records were late, and on nothing else.
 */
export function createIntervalJoin<L, R>(options: IntervalJoinOptions<L, R>): IntervalJoin<L, R> {
  const { beforeMs, afterMs, allowedLatenessMs, codecs } = options
  // Checkpointed.
  const lefts = createTimedRecords(codecs.left, afterMs + allowedLatenessMs)
  const rights = createTimedRecords(codecs.right, beforeMs + allowedLatenessMs)
  let watermark = Number.NEGATIVE_INFINITY

  return {
    left: {
      partnersOf: (key, eventTime) => rights.between(key, eventTime - beforeMs, eventTime + afterMs),
      add: (record, partners) => lefts.add({ ...record, isMarked: partners.length > 0 }),
      isFull: isFull(lefts),
    },
    right: {
      partnersOf: (key, eventTime) => lefts.between(key, eventTime - afterMs, eventTime + beforeMs),
      add(record, partners) {
        rights.add({ ...record, isMarked: false })
        for (const partner of partners) lefts.mark(partner)
      },
      isFull: isFull(rights),
    },
    isLate: (eventTime) => watermark >= eventTime + allowedLatenessMs,
    advance(to) {
      if (!(to > watermark)) return []
      watermark = to
      rights.expire(to)
      return lefts.expire(to).filter(({ isMarked }) => !isMarked)
    },
    write(writer, full) {
      writer.f64(watermark)
      lefts.write(writer, full)
      rights.write(writer, full)
    },
    read(reader) {
      watermark = reader.f64()
      lefts.read(reader)
      rights.read(reader)
      // What expired before this state was written was told then.
      lefts.expire(watermark)
      rights.expire(watermark)
    },
    get watermark() {
      return watermark
    },
    get size() {
      return lefts.size + rights.size
    },
  }
}

function isFull(records: TimedRecords<unknown>): (key: string) => boolean {
  return (key) => records.countOf(key) >= joinWaitingMax
}
