import type { BatchDecoder, SourceBatch } from '../schemas/batch-decoder.ts'

/** A record to be produced. The partition is always explicit: `partitionOfKey` of the key, or every one for control. */
export interface OutgoingRecord {
  readonly partition: number
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Where records of one partition landed. */
export interface AppendedRange {
  readonly partition: number
  /** Offset of the first of these records. */
  readonly baseOffset: number
}

export interface Producer {
  /**
   * Resolves when every record is acknowledged by all in-sync replicas. Records of one partition keep their order,
   * within a call and between calls that were awaited; those of one call and partition become visible together, as long
   * as they fit one request (512 KiB on a broker).
   *
   * @throws {TransientError} When the broker could not be reached within the client's retries: nothing is known.
   */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<readonly AppendedRange[]>
  close(): Promise<void>
}

export interface TopicRecords {
  readonly topic: string
  readonly records: readonly OutgoingRecord[]
}

export interface TransactionalProducer {
  /**
   * Sends all in one transaction: after it resolves, readers see all of it.
   *
   * @throws {FencedError} When a later producer with the same transactional id exists; this one is then of no use.
   */
  send(groups: readonly TopicRecords[]): Promise<void>
  close(): Promise<void>
}

export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  /** Epoch ms, set by the broker. */
  readonly appendTime: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

/** The reader of a group: takes partitions over, takes batches, gives partitions up. Calls never overlap for one partition. */
export interface BatchHandler<Batch> {
  /**
   * The group gave us these partitions: resolves with the offset to start each at. Rejecting ends the subscription.
   *
   * @param signal Aborts when the group takes them away, which waits for the answer; a partition that it lacks is then right.
   */
  assigned(partitions: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, number>>
  /** One batch; the partition's next one waits for the promise. What it holds may be reused after it. */
  batch(batch: Batch): Promise<void> | undefined
  /** The group took these partitions away; no batch of them follows. */
  revoked(partitions: readonly number[]): Promise<void>
  /** The subscription ended by itself: no callback follows. */
  failed(error: Error): void
}

export interface SubscribeOptions<Batch extends SourceBatch> {
  readonly topic: string
  readonly groupId: string
  readonly decoder: BatchDecoder<Batch>
  readonly handler: BatchHandler<Batch>
  /** Session timeout of the group; default 6,000. */
  readonly sessionTimeoutMs?: number
}

export interface Subscription {
  /** No batch of these partitions starts after it returns. */
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  /** The partition's next batch starts at `offset`; batches fetched before it are dropped. */
  seek(partition: number, offset: number): void
  /** Stores offsets in the group, for lag tools only. */
  commitOffsets(offsets: ReadonlyMap<number, number>): Promise<void>
  /** Leaves the group; `revoked` is not called. */
  close(): Promise<void>
}

export type ReadFrom = 'earliest' | 'latest' | { readonly timestampMs: number } | ReadonlyMap<number, number>

export interface ReadOptions {
  readonly topic: string
  /** Where to start, in every partition; a partition that a map leaves out is not read. */
  readonly from: ReadFrom
  /** Records of one partition, in order. Awaited before more of that partition. */
  onRecords(partition: number, records: readonly StoredRecord[]): Promise<void> | undefined
  onError(error: Error): void
}

export interface Reader {
  /** First offset read of each partition. */
  readonly startOffsets: ReadonlyMap<number, number>
  close(): Promise<void>
}

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  /** Kafka's topic settings, e.g. `cleanup.policy`, `retention.ms`, `retention.bytes`, `message.timestamp.type`. */
  readonly config?: Readonly<Record<string, string>>
}

export interface TopicDescription {
  readonly topic: string
  /** The broker's id of this topic's incarnation; null where the client cannot tell. */
  readonly topicId: string | null
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

export interface OffsetRange {
  readonly earliest: number
  /** Offset after the last record. */
  readonly latest: number
}

export interface Admin {
  /** Sees to it that the topic is there; one that was there already is left as it is. */
  createTopic(spec: TopicSpec): Promise<void>
  /** Gives a topic more partitions; one that has as many already is left as it is. Keys then lie elsewhere: see `repartition`. */
  growTopic(topic: string, partitions: number): Promise<void>
  describeTopic(topic: string): Promise<TopicDescription | undefined>
  deleteTopic(topic: string): Promise<void>
  listTopics(): Promise<readonly string[]>
  offsets(topic: string): Promise<ReadonlyMap<number, OffsetRange>>
  groupOffsets(groupId: string, topic: string): Promise<ReadonlyMap<number, number>>
}

/** The partitioned log. One contract suite (`broker.contract.ts`) runs on every adapter. */
export interface Broker {
  readonly admin: Admin
  /** @throws {TransientError} `BROKER_UNREACHABLE`. */
  createProducer(): Promise<Producer>
  /** Fences every earlier producer with the same id. */
  createTransactionalProducer(transactionalId: string): Promise<TransactionalProducer>
  /** Joins a group; records come as the batches of its decoder. Reads committed records only. */
  subscribe<Batch extends SourceBatch>(options: SubscribeOptions<Batch>): Promise<Subscription>
  /** Reads every partition without a group; committed records only. */
  read(options: ReadOptions): Promise<Reader>
  /**
   * Everything appended below these offsets survives a crash of the machine. Embedded: an fsync.
   * A broker acknowledges only what is safe, so there it does nothing.
   */
  sync(topic: string): Promise<void>
  /** Retention must not pass these offsets (committed or held). A broker has its own settings and ignores it. */
  retainFrom(topic: string, offsets: ReadonlyMap<number, number>): void
  ping(): Promise<void>
  close(): Promise<void>
}
