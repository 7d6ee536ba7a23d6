import type { SourceBatch } from './batch-decoder.ts'
import type { RefusedRecord } from './columns.ts'

/** One decoded record with its place. */
export interface PlacedRecord<T> {
  readonly offset: number
  /** Broker's append time, epoch ms. */
  readonly appendTime: number
  readonly value: T
}

/** Records of one partition as plain values: what topologies that are not about ticks read. */
export interface RecordBatch<T> extends SourceBatch {
  readonly records: readonly PlacedRecord<T>[]
  /** Records that could not be decoded. */
  readonly refused: readonly RefusedRecord[]
  /** Control records of other readers: counted, without effect. */
  readonly controls: number
}
