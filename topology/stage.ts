import type { PartitionCheckpoint, PartitionCommit, TopicIdentity } from '../ports/candle-store.ts'
import type { Conservation } from '../processors/core/effects.ts'
import type { BatchDecoder, SourceBatch } from '../schemas/batch-decoder.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'

/** A commit of one partition, with what the engine tells of it once it is durable. */
export interface PreparedCommit {
  readonly commit: PartitionCommit
  readonly deadLetters: readonly DeadLetter[]
  readonly counts: Conservation
}

/** One record of a batch, or as little as can fail by itself. */
export interface Piece<Batch> {
  readonly batch: Batch
  readonly offset: number
  /** Undefined where the record is no key's. */
  readonly key: string | undefined
}

/** A key that made a step throw: it is held from the committed offset on. */
export interface Suspect {
  readonly symbol: string
  /** Of the record that did. */
  readonly offset: number
  readonly error: string
}

/** One partition under one epoch: its pipeline and what it has done since the last commit. */
export interface Runner<Batch, Prepared extends PreparedCommit = PreparedCommit> {
  readonly partition: number
  readonly epoch: number
  /** Offset of the next record to process. */
  readonly nextOffset: number
  /** Rows and dead letters that wait for a commit. */
  readonly pending: number
  readonly hasNews: boolean
  /**
   * For a batch that asks for what its records do not hold: what fetches it, once everything before it is committed.
   * Undefined for all others.
   */
  enrich?(batch: Batch): (() => Promise<Batch>) | undefined
  process(batch: Batch): void
  /** Cuts a batch as small as it goes, to find the key that makes a step throw. Missing where no key can be held. */
  pieces?(batch: Batch): Iterable<Piece<Batch>>
  /** Keys that are held, committed or not. */
  readonly heldKeys?: number
  /** Offset of the first record that is held. */
  readonly heldFrom?: number | undefined
  /** It has done its last: when its commit is durable the partition is taken over again. */
  readonly isSpent?: boolean
  /** Takes everything since the last commit. `outboxAckedThrough`: the topics have what commits up to it owed. */
  prepare(outboxAckedThrough: number): Prepared
}

/** Where the results of a stage go. Calls for one partition never overlap, but for `pulse`. */
export interface StageOutput<Batch, Prepared extends PreparedCommit = PreparedCommit> {
  /** Fences every earlier owner of the partition at the broker. */
  fence(partition: number): Promise<void>
  /**
   * Tells the world of the new owner, and publishes what the old one still owed.
   *
   * @param suspects  Keys to hold from the checkpoint on, where they are not held yet.
   * @returns What makes the runner; it is called at once, unless the partition was taken away meanwhile.
   */
  begin(checkpoint: PartitionCheckpoint, suspects: readonly Suspect[]): Promise<() => Runner<Batch, Prepared>>
  /**
   * Publishes what a durable commit owes.
   *
   * @throws {FencedError} A later owner of the partition has taken over.
   */
  publish(prepared: Prepared): Promise<void>
  /** What was published survives a crash of the machine. */
  sync(): Promise<void>
  /** Results that need no commit; `onFailure` where a partition could not be served. */
  pulse(onFailure: (partition: number, error: unknown) => void): void
  /** The partition's runner is dropped: nothing of it is published any more. */
  drop(partition: number): void
  /** The partition belongs to somebody else. */
  release(partition: number): Promise<void>
  close(): Promise<void>
}

/** What a stage is given by the engine that runs it. */
export interface StageHost {
  readonly identity: TopicIdentity
  onAlarm(partition: number, name: string): void
  onFailure(error: unknown): void
}

/** What one engine runs: where records come from, what a partition does with them, where results go. */
export interface Stage<Batch extends SourceBatch, Prepared extends PreparedCommit = PreparedCommit> {
  /** Names its checkpoints in the store. */
  readonly name: string
  readonly topic: string
  readonly groupId: string
  readonly decoder: BatchDecoder<Batch>
  /** The emission cadence. */
  readonly pulseEveryMs: number
  open(host: StageHost): Promise<StageOutput<Batch, Prepared>>
}
