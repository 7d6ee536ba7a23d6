import type { OutgoingBatch, ProducedPartition } from '../wire/produce.ts'
import type { ProducerIdentity, TopicPartitions } from '../wire/requests.ts'

/** What carries record batches. Each call is one try; every one of them may be made again after it failed. */
export interface ProducePort {
  /**
   * The leader of each partition, -1 for none.
   *
   * @param isAnew Asks the cluster; otherwise what it said last will do.
   * @throws {TransientError} No broker says it.
   * @throws {FatalError} `UNKNOWN_TOPIC`.
   */
  leaders(topic: string, isAnew: boolean): Promise<ReadonlyMap<number, number>>
  /** @throws {TransientError} It may be in the log, or not. */
  produce(
    leader: number,
    transactionalId: string | null,
    batches: readonly OutgoingBatch[],
  ): Promise<readonly ProducedPartition[]>
  /** An identity for a producer without transactions. */
  identify(): Promise<ProducerIdentity>
  close(): Promise<void>
}

/** A transactional id at its coordinator. Calls are repeated where that may help; each may be made again after it failed. */
export interface TransactionPort {
  /**
   * Ends what an earlier producer with the id left open, and fences it.
   *
   * @param current What was had until now: refused where a later producer has the id.
   * @throws {FencedError}
   */
  takeId(current?: ProducerIdentity): Promise<ProducerIdentity>
  /** @throws {FencedError} */
  addPartitions(producer: ProducerIdentity, topics: readonly TopicPartitions[]): Promise<void>
  /** @throws {FencedError} */
  commit(producer: ProducerIdentity): Promise<void>
}
