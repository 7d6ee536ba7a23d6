import type { CandleColumns } from '../../schemas/candle-columns.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Effects } from './effects.ts'
import type { SymbolIndex } from './symbol-index.ts'

/** How event time is read from a source; all in ms. */
export interface WatermarkPolicy {
  /** Events may arrive this much behind the newest of their line. */
  readonly outOfOrdernessMs: number
  /** A window closes by idleness when a heartbeat has passed its end by this and the out-of-orderness. */
  readonly idleAfterMs: number
  /** An event time this far ahead of its append time is refused. */
  readonly futureBoundMs: number
}

/** What every step of a partition's pipeline is given first. */
export interface PartitionContext {
  readonly partition: number
  /** Partitions of the source: a symbol's is murmur2 of it among them. */
  readonly partitions: number
  readonly symbols: SymbolIndex
  readonly lines: SymbolIndex
  readonly watermark: WatermarkPolicy
  readonly effects: Effects
  /** What the step with this id had written: a full image, then changes, in order. */
  restored(stepId: string): readonly ByteReader[]
  /** A step that holds open candles hands over how to read them, for the snapshot. */
  offerOpenCandles?(open: OpenCandles): void
}

/** Appends every candle of a symbol (the worker's id) and interval whose final is not in a barrier yet, ascending. */
export type OpenCandles = (symbol: number, intervalSeconds: number, rows: CandleColumns) => void

/** A checkpoint on its way through the pipeline: each stateful step adds its state, then passes it on. */
export interface Barrier {
  /** Whether every key is to be written, or only those changed since the last barrier. */
  readonly full: boolean
  /** Where the step with this id writes. */
  state(stepId: string): ByteWriter
}

/** What flows between operators: rows in batches, and what orders the work around them. */
export type StreamElement<Rows> =
  /** First, once. */
  | { readonly kind: 'open'; readonly context: PartitionContext }
  | { readonly kind: 'rows'; readonly rows: Rows }
  /** The emission cadence: steps that hold open windows emit their updates. */
  | { readonly kind: 'pulse' }
  | { readonly kind: 'barrier'; readonly barrier: Barrier }
