import type { CandleColumns } from '../../schemas/candle-columns.ts'
import type { HistorySegment } from '../../schemas/history.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Effects } from './effects.ts'
import type { Flag, StreamRecord } from './stream-record.ts'
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
  /** Of an internal topic: the partitions of each stream that writes to it. */
  readonly inputPartitions?: readonly number[]
  readonly symbols: SymbolIndex
  readonly lines: SymbolIndex
  readonly watermark: WatermarkPolicy
  readonly effects: Effects
  /** Whether a symbol (the worker's id) is held: its ticks reach no step, and its state stands still. Missing: none is. */
  isHeld?(symbol: number): boolean
  /** What the step with this id had written: a full image, then changes, in order. */
  restored(stepId: string): readonly ByteReader[]
  /** A step that holds open candles hands over how to read them, for the snapshot. */
  offerOpenCandles?(open: OpenCandles): void
  /** A door that hears from its sources whether they are idle hands over how to ask whether all are. */
  offerIdleness?(isIdle: () => boolean): void
  /** A step that applies history hands over what it needs to know of it. */
  offerHistory?(history: HistoryNeeds): void
}

/** What the runtime asks a step before it hands over a `history` marker. */
export interface HistoryNeeds {
  /** Offset of `ticks.history` up to which (exclusive) it is applied. */
  appliedTo(): number
  /** Stored candles that these segments need beside them. */
  spans(segments: readonly HistorySegment[]): readonly StoredSpan[]
}

/** Final candles of one symbol and interval whose start is in `[from, to)`, epoch ms. */
export interface StoredSpan {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  readonly from: number
  readonly to: number
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

/** Bounds what a pulse says at once; without it, everything that is due. */
export interface PulseLimit {
  /** Keys of which something is said. */
  readonly keysMax: number
  /** Told by a step that leaves keys for the next pulse. */
  cut(): void
}

/** What flows between operators: rows in batches, and what orders the work around them. */
export type StreamElement<Rows> =
  /** First, once. */
  | { readonly kind: 'open'; readonly context: PartitionContext }
  | { readonly kind: 'rows'; readonly rows: Rows }
  /** Every event up to this time (epoch ms) has come: what is due by it fires. Columns bring their own, by line. */
  | { readonly kind: 'watermark'; readonly watermark: number }
  /** A record for a side output: it passes every step to the sinks of its name. */
  | { readonly kind: 'side'; readonly name: string; readonly record: StreamRecord<unknown, Flag> }
  /** The emission cadence: steps that hold open windows emit their updates. `now` is the wall clock, epoch ms. */
  | { readonly kind: 'pulse'; readonly now: number; readonly limit?: PulseLimit }
  | { readonly kind: 'barrier'; readonly barrier: Barrier }

/** What flows between operators on records: one at a time, so that the batches of the source change nothing. */
export type Flow<T, F extends Flag = 'event'> = StreamElement<StreamRecord<T, F>>
