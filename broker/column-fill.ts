import { type BatchDecoder, type Pushed, pushed, type SourceBatch } from '../schemas/batch-decoder.ts'
import { batchRowsMax } from '../schemas/columns.ts'

/** Walks a partition's records in place: no object per record, only the fields of the cursor change. */
export interface ColumnCursor {
  /** Moves to the record at `offset`, or the first after it. @returns false where there is none. */
  peek(): boolean
  /** Passes over the record that `peek` found. */
  next(): void
  /**
   * Places of the values from the peeked record on that have a value and no header, follow each other without a gap, and
   * have the same append time.
   *
   * @returns How many were found, at most `max`.
   */
  plainRun(starts: Int32Array, ends: Int32Array, max: number): number
  /** Passes over the first `count` records of the run that was found last. */
  passRun(ends: Int32Array, count: number): void
  /** Of the record that `peek` found; before that, where to look. */
  readonly offset: number
  /** Epoch ms, set by the broker. */
  readonly appendTime: number
  /** Bytes that hold the record. */
  readonly buffer: Buffer
  readonly valueFrom: number
  /** -1 where the value is null. */
  readonly valueLength: number
  readonly hasHeaders: boolean
  /** Value of the header that marks a control record. */
  controlKind(): string | undefined
}

/** Ticks that are looked for side by side before the decoder takes them in one call. */
const runMax = 512
const starts = new Int32Array(runMax)
const ends = new Int32Array(runMax)

/** Pushes records until the decoder stops it, the batch is full, or there are no more; all of it in one turn of the loop. */
export function fillColumns(cursor: ColumnCursor, decoder: BatchDecoder<SourceBatch>): Pushed {
  for (let records = 0; records < batchRowsMax && cursor.peek(); ) {
    const taken = fillRun(cursor, decoder, batchRowsMax - records)
    records += taken
    if (taken > 0) continue
    const { valueFrom, valueLength } = cursor
    const kind = cursor.hasHeaders ? cursor.controlKind() : undefined
    const value = valueLength < 0 ? null : cursor.buffer
    const result = decoder.push(value, valueFrom, valueFrom + valueLength, cursor.offset, cursor.appendTime, kind)
    if (result !== pushed.taken) return result
    cursor.next()
    records += 1
  }
  return pushed.taken
}

/** Takes the ticks that lie one behind the other. @returns How many; 0 where the next is not plain. */
function fillRun(cursor: ColumnCursor, decoder: BatchDecoder<SourceBatch>, max: number): number {
  const count = cursor.plainRun(starts, ends, Math.min(max, runMax))
  if (count === 0) return 0
  const taken = decoder.pushRun(cursor.buffer, starts, ends, 0, count, cursor.offset, cursor.appendTime)
  if (taken > 0) cursor.passRun(ends, taken)
  return taken
}
