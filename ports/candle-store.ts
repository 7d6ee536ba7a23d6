import type { Candle } from '../schemas/candle.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import type { DeadLetter, LateRange } from '../schemas/dead-letter.ts'

/** What one partition adds in one commit. */
export interface PartitionCommit {
  readonly partition: number
  readonly epoch: number
  /** Offset that the store must hold now, or the commit is fenced. */
  readonly previousOffset: number
  readonly nextOffset: number
  /** Grows by one with every commit of the partition. */
  readonly commitNo: number
  /** Highest `seq` given out. */
  readonly lastSeq: number
  /** Finals and corrections; each (symbol, interval, start) at most once. */
  readonly candles: CandleColumns
  /** Name of each symbol id in `candles`. */
  symbolName(id: number): string
  /** Packed changes of the operators' state, or the whole of it where `stateFull`: older rows then go. */
  readonly state: Uint8Array
  readonly stateFull: boolean
  /** Packed finals and corrections still to be published; undefined for none. */
  readonly outbox: Uint8Array | undefined
  /** Outbox rows up to this commit were acknowledged by the broker and go. */
  readonly outboxAckedThrough: number
  readonly deadLetters: readonly DeadLetter[]
  readonly lateRanges: readonly LateRange[]
}

export interface Commit {
  readonly topology: string
  readonly topic: string
  /** Ascending by partition. */
  readonly partitions: readonly PartitionCommit[]
}

export interface OutboxRow {
  readonly commitNo: number
  readonly payload: Uint8Array
}

/** What a new owner finds. */
export interface PartitionCheckpoint {
  readonly partition: number
  readonly epoch: number
  /** 0 where nothing was committed. */
  readonly nextOffset: number
  readonly commitNo: number
  readonly lastSeq: number
  /** A full image, then the changes since, in order. Empty where nothing was committed. */
  readonly states: readonly Uint8Array[]
  /** Not yet acknowledged, ascending. */
  readonly outbox: readonly OutboxRow[]
}

/** The topic as the store knows it; a topic that no longer fits must not be read. */
export interface TopicIdentity {
  readonly topic: string
  readonly topicId: string | null
  readonly partitions: number
}

export interface CandleQuery {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  /** Start of the first window, epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
  readonly limit: number
  /** `newest` takes the last `limit` rows; the result is ascending all the same. */
  readonly take?: 'oldest' | 'newest'
}

export interface SymbolSpan {
  readonly symbol: string
  /** Start of the first and the last stored candle, epoch ms. */
  readonly first: number
  readonly last: number
}

export interface PartitionPosition {
  readonly partition: number
  readonly epoch: number
  readonly nextOffset: number
  readonly commitNo: number
}

export interface StoredDeadLetter extends DeadLetter {
  readonly storedAt: number
}

/**
 * Candles, state, outbox, dead letters and offsets: one transaction a commit, fenced by epoch.
 * One contract suite (`candle-store.contract.ts`) runs on every adapter.
 */
export interface CandleStore {
  /** Names this store's content; another store has another id. */
  readonly storeId: string
  /**
   * Takes partitions over: raises each epoch (waiting for a commit in flight), then reads what is committed.
   *
   * @param nowMs  The new epoch is the greater of the old one + 1 and this.
   * @throws {FatalError} `TOPIC_CHANGED` when the topic is not the one that was committed against.
   * @throws {TransientError} `STORE_UNREACHABLE`.
   */
  takeover(
    topology: string,
    topic: TopicIdentity,
    partitions: readonly number[],
    nowMs: number,
  ): Promise<readonly PartitionCheckpoint[]>
  /**
   * All or nothing.
   *
   * @throws {FencedError} A partition's epoch or offset is not what the commit says; `message` names them.
   * @throws {TransientError} Anything else, the unknown outcome of a COMMIT included: take over before going on.
   */
  commit(commit: Commit): Promise<void>
  /** Final candles, ascending by start. */
  candles(query: CandleQuery): Promise<readonly Candle[]>
  /** Last final candle of each symbol; unknown symbols are left out. */
  latest(symbols: readonly string[], interval: number): Promise<readonly Candle[]>
  symbols(): Promise<readonly SymbolSpan[]>
  /** Every final candle that fits, ascending by symbol (byte order), interval, start, in pages. */
  scan(filter: { readonly symbol?: string; readonly interval?: number }): AsyncIterable<readonly Candle[]>
  positions(topology: string): Promise<readonly PartitionPosition[]>
  deadLetters(limit: number): Promise<readonly StoredDeadLetter[]>
  lateRanges(limit: number): Promise<readonly LateRange[]>
  ping(): Promise<void>
  close(): Promise<void>
}
