import type { ControlRecord } from '../schemas/control.ts'
import type { Tick } from '../schemas/tick.ts'

/** Where a feed writes: every call is in order; nothing is visible before `flush`. */
export interface FeedOutput {
  readonly partitions: number
  partitionOf(symbol: string): number
  /** A tick, to its symbol's partition. */
  tick(tick: Tick): void
  /** A control record, to one partition, or to all. */
  control(record: ControlRecord, partition?: number): void
  /** Ticks and controls waiting for a flush. */
  readonly pending: number
  /** Produces what is waiting, one request a partition; resolves when acknowledged. */
  flush(): Promise<void>
}

/** What a feed had written when it last stopped, read back from the topic. */
export interface FeedPosition {
  /** The last heartbeat's cursor of the line, by partition. */
  readonly cursors: ReadonlyMap<number, string>
}

export interface FeedSummary {
  readonly ticks: number
  readonly refused: number
}

/** A source of ticks from the outside world. */
export interface Feed {
  readonly name: string
  readonly line: string
  /** Runs until the source ends or `signal` aborts; everything written is flushed before it resolves. */
  run(output: FeedOutput, position: FeedPosition, signal: AbortSignal): Promise<FeedSummary>
}
