import type { BatchDecoder, SourceBatch } from './batch-decoder.ts'
import type { ControlRecord } from './control.ts'
import type { DeadLetterReason } from './dead-letter.ts'
import type { HistoryInput } from './history.ts'

/**
 * Rows of ticks as typed arrays, reused from batch to batch: valid until the handler's promise settles.
 * Row `i` of every column belongs to one record; only rows `0 … length - 1` are filled.
 */
export interface TickColumns {
  length: number
  readonly capacity: number
  readonly offset: Float64Array
  /** Broker's append time, epoch ms. */
  readonly appendTime: Float64Array
  /** Id in the worker's symbol table. */
  readonly symbol: Int32Array
  /** Id in the worker's line table. */
  readonly line: Int32Array
  /** Epoch ms. */
  readonly eventTime: Float64Array
  readonly price: Float64Array
  readonly size: Float64Array
  /** Code of `side`. */
  readonly side: Uint8Array
  /** Code of `idOrder`. */
  readonly idOrder: Uint8Array
  readonly tradeId: Float64Array
  readonly sequence: Float64Array
  /** Number of the symbol in its partition's index; written by the first step, `admit`. */
  readonly local: Int32Array
  /** Written by operators, code of `verdict`; a decoder leaves it 0. */
  readonly verdict: Uint8Array
}

/** What an operator decided of a row. */
export const verdict = { undecided: 0, used: 1, duplicate: 2, late: 3, rejected: 4, held: 5 } as const

/** Rows of a column batch: large enough to make one emission cheap, small enough for the cache. */
export const batchRowsMax = 4096

export function createTickColumns(capacity: number = batchRowsMax): TickColumns {
  return {
    length: 0,
    capacity,
    offset: new Float64Array(capacity),
    appendTime: new Float64Array(capacity),
    symbol: new Int32Array(capacity),
    line: new Int32Array(capacity),
    eventTime: new Float64Array(capacity),
    price: new Float64Array(capacity),
    size: new Float64Array(capacity),
    side: new Uint8Array(capacity),
    idOrder: new Uint8Array(capacity),
    tradeId: new Float64Array(capacity),
    sequence: new Float64Array(capacity),
    local: new Int32Array(capacity),
    verdict: new Uint8Array(capacity),
  }
}

/** Ticks of a held key, in place of their rows: they still move the time of their line. Never in a log. */
export interface HeldTicks {
  readonly kind: 'held'
  readonly line: string
  /** Of the newest, epoch ms. */
  readonly eventTime: number
}

/** A control record with its place: it applies before row `row`. */
export interface PlacedControl {
  readonly row: number
  readonly offset: number
  readonly appendTime: number
  readonly record: ControlRecord | HeldTicks
  /** What a `history` record stands for: read by the engine, and not part of the record. */
  readonly history?: HistoryInput
}

/** A record that could not become a row, with its place. */
export interface RefusedRecord {
  readonly offset: number
  readonly reason: DeadLetterReason
  readonly detail: string
  readonly schemaId: number | null
  /** At most `deadLetterPayloadBytesMax` bytes, copied. */
  readonly payload: Uint8Array
}

/** What the broker port hands out: no object per record on the tick path. */
export interface ColumnBatch extends SourceBatch {
  readonly columns: TickColumns
  readonly controls: readonly PlacedControl[]
  readonly refused: readonly RefusedRecord[]
}

/** Turns ticks into columns: no object, string or promise per tick. */
export type TickDecoder = BatchDecoder<ColumnBatch>
