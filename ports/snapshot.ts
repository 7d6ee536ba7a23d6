import type { Candle } from '../schemas/candle.ts'

/** The newest state of one channel: every window not final and committed, and the position it stands for. */
export interface ChannelSnapshot {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  readonly e: number
  readonly q: number
  /** Highest `seq` of a committed final or correction of this channel; 0 for none. */
  readonly seq: number
  /** Offset in the partition of `candles.live` of the record that carried `(e, q)`. */
  readonly offset: number
  readonly partition: number
  /** Ascending by start. */
  readonly open: readonly Candle[]
}

/** Every record of `candles.live` up to `offset` is in the snapshot. */
export interface LivePosition {
  readonly e: number
  readonly offset: number
}

/** Fast, losable state for warm start and reads: it can always be rebuilt from the store and the log. */
export interface Snapshot {
  /**
   * Writes channels (each guarded: a lower `(e, q)` never replaces a higher one), then the partition's position.
   *
   * @param position Undefined where more channels are to come before it holds.
   */
  write(partition: number, position: LivePosition | undefined, channels: readonly ChannelSnapshot[]): Promise<void>
  read(symbol: string, interval: number): Promise<ChannelSnapshot | undefined>
  /** One channel of many symbols; unknown ones are left out. */
  readMany(symbols: readonly string[], interval: number): Promise<readonly ChannelSnapshot[]>
  position(partition: number): Promise<LivePosition | undefined>
  /** Every symbol that has a channel, ascending. */
  symbols(): Promise<readonly string[]>
  ping(): Promise<void>
  close(): Promise<void>
}
