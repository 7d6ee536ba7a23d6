import type { Candle } from '../schemas/candle.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import type { CoverageChange } from '../schemas/coverage.ts'
import type { DeadLetter, LateRange } from '../schemas/dead-letter.ts'
import type { TableChange, TableRow, TableSpec } from '../schemas/table.ts'

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
  /** What became known of the time of symbols, in order. */
  readonly coverage?: readonly CoverageChange[]
  /**
   * Changes of tables that were ensured; each (table, key) at most once, in all partitions of a commit together, and
   * each as `checkChange` (schemas/table-row.ts) wants it.
   */
  readonly tables?: readonly TableChange[]
  /** Keys that are held from this commit on. */
  readonly held?: readonly Quarantine[]
  /** Keys that are no longer held. */
  readonly released?: readonly string[]
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

/** A key whose records are held, because they made a step throw. */
export interface Quarantine {
  readonly symbol: string
  /** Offset of its first record that is held: everything of the key from there on. */
  readonly heldFrom: number
  /** Offset of the record that made a step throw. */
  readonly failedAt: number
  readonly error: string
  /** Offset of `ticks.history` up to which (exclusive) it was applied. */
  readonly historyFrom: number
  /** Packed states of the partition at `heldFrom`: what judges the held records. */
  readonly state: Uint8Array
}

/** A held key as it is listed. */
export interface HeldKey extends Omit<Quarantine, 'state'> {
  readonly partition: number
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
  /** Keys that are held. */
  readonly quarantines: readonly Quarantine[]
}

/** The topic as the store knows it; a topic that no longer fits must not be read. */
export interface TopicIdentity {
  readonly topic: string
  readonly topicId: string | null
  readonly partitions: number
}

export interface Repartition {
  readonly topic: string
  /** Partitions before and after. */
  readonly from: number
  readonly to: number
  /** Next offset of each partition: the end of its log. */
  readonly offsets: ReadonlyMap<number, number>
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

/** What a topology is: `topologyJson` and its hash. */
export interface TopologyDeclaration {
  readonly name: string
  readonly hash: string
  /** JSON text. */
  readonly declaration: string
}

/** A declaration that ran against this store. */
export interface StoredTopology extends TopologyDeclaration {
  /** Epoch ms. */
  readonly firstRunAt: number
  readonly lastRunAt: number
}

/**
 * Candles, tables, state, outbox, dead letters and offsets: one transaction a commit, fenced by epoch.
 * One contract suite (`candle-store.contract.ts`) runs on every adapter.
 */
export interface CandleStore {
  /** Names this store's content; another store has another id. */
  readonly storeId: string
  /** Gives this content a new id: it is not what was here before, whoever remembers a place in that must ask anew. */
  renewId(): Promise<void>
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
   * Makes what is committed that of a topic with more partitions, `to` a multiple of `from`: each new partition is given the
   * state of the one that its keys come from, and every epoch grows. Whoever reads the state takes only its own keys of it.
   *
   * @throws {FatalError} `NOT_REPARTITIONED` where the topic has not `from` partitions here, another topology reads it,
   * keys are held, or the offsets are no longer `offsets`; nothing was changed.
   */
  repartition(topology: string, change: Repartition): Promise<void>
  /**
   * All or nothing.
   *
   * @throws {FencedError} A partition's epoch or offset is not what the commit says; `message` names them.
   * @throws {InvariantViolation} Nothing was sent: the commit breaks a rule of `PartitionCommit`.
   * @throws {TransientError} Anything else, the unknown outcome of a COMMIT included: take over before going on.
   */
  commit(commit: Commit): Promise<void>
  /**
   * Makes a topology's table where it is missing; commits may then write it. Any number of processes may do so at once.
   *
   * @throws {FatalError} `BAD_TABLE` for what cannot be a table; `TABLE_DIFFERS` (exit 78) where another one has its name.
   */
  ensureTable(spec: TableSpec): Promise<void>
  /**
   * Rows of an ensured table, ascending by key (text by bytes); a key's -0 is 0.
   *
   * @throws {FatalError} `TABLE_UNKNOWN` where it was not ensured here.
   */
  rows(table: string, options: { readonly limit: number }): Promise<readonly TableRow[]>
  /** Final candles, ascending by start. */
  candles(query: CandleQuery): Promise<readonly Candle[]>
  /** Last final candle of each symbol; unknown symbols are left out. */
  latest(symbols: readonly string[], interval: number): Promise<readonly Candle[]>
  symbols(): Promise<readonly SymbolSpan[]>
  /** Every final candle that fits, ascending by symbol (byte order), interval, start, in pages. */
  scan(filter: { readonly symbol?: string; readonly interval?: number }): AsyncIterable<readonly Candle[]>
  positions(topology: string): Promise<readonly PartitionPosition[]>
  /** Keys of a topology that are held, by partition and symbol. */
  heldKeys(topology: string): Promise<readonly HeldKey[]>
  deadLetters(limit: number): Promise<readonly StoredDeadLetter[]>
  lateRanges(limit: number): Promise<readonly LateRange[]>
  /** Notes that this declaration runs from now on; the same one again is noted as its last run. */
  declareTopology(topology: TopologyDeclaration): Promise<void>
  /** Every declaration that ran, the last one first. */
  topologies(): Promise<readonly StoredTopology[]>
  /** The topics that offsets were committed against. */
  committedTopics(topology: string): Promise<readonly TopicIdentity[]>
  /** What became known of a symbol's time in stretches that overlap `[from, to)`, in the order of the commits. */
  coverage(symbol: string, from: number, to: number): Promise<readonly CoverageChange[]>
  ping(): Promise<void>
  close(): Promise<void>
}
