import type { Clock } from '../ports/clock.ts'
import type { FeedOutput } from '../ports/feed.ts'
import type { ControlRecord } from '../schemas/control.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'

type Recorded = Tick | ControlRecord

export interface RecordedOutput extends FeedOutput {
  /** Flushed records of each partition, in order. */
  readonly records: readonly Recorded[][]
  /** Partition lengths after each flush that wrote something. */
  readonly flushes: readonly (readonly number[])[]
  ticks(): readonly Tick[]
}

export function isControl(record: Recorded): record is ControlRecord {
  return 'kind' in record
}

/**
 * A feed output that keeps what was flushed, for tests.
 *
 * @param onFlush  Called after each flush with the number of them.
 */
export function createRecordedOutput(partitions = 4, onFlush?: (count: number) => void): RecordedOutput {
  const records: Recorded[][] = Array.from({ length: partitions }, () => [])
  const flushes: number[][] = []
  const flushedTicks: Tick[] = []
  let waiting: [number, Recorded][] = []
  return {
    records,
    flushes,
    partitions,
    partitionOf: (symbol) => partitionOfKey(symbol, partitions),
    get pending() {
      return waiting.length
    },
    ticks: () => flushedTicks,
    tick: (tick) => void waiting.push([partitionOfKey(tick.symbol, partitions), tick]),
    control(record, partition) {
      if (partition !== undefined) waiting.push([partition, record])
      else for (let each = 0; each < partitions; each++) waiting.push([each, record])
    },
    async flush() {
      if (waiting.length === 0) return
      for (const [at, record] of waiting) {
        records[at]?.push(record)
        if (!isControl(record)) flushedTicks.push(record)
      }
      waiting = []
      flushes.push(records.map((each) => each.length))
      onFlush?.(flushes.length)
    },
  }
}

interface ManualClock extends Clock {
  readonly sleeps: readonly number[]
  advance(ms: number): void
}

/** A clock that only sleeping moves, for tests. */
export function createManualClock(startMs: number): ManualClock {
  let now = startMs
  const sleeps: number[] = []
  return {
    sleeps,
    advance(ms) {
      now += ms
    },
    now: () => now,
    monotonic: () => now - startMs,
    async sleep(ms, signal) {
      if (signal?.aborted === true) return
      sleeps.push(ms)
      now += ms
    },
    every: () => () => undefined,
  }
}
