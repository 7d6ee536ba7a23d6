/** What became of a pushed record. */
export const pushed = {
  /** It is in the batch: as a row, a control record or a refused one. */
  taken: 0,
  /** No room: take the batch, then push it again. */
  full: 1,
  /** Its schema is not here yet: call `resolveSchema`, then push it again. */
  needsSchema: 2,
} as const

export type Pushed = (typeof pushed)[keyof typeof pushed]

/** Records of one partition, one after the other. */
export interface SourceBatch {
  readonly partition: number
  readonly baseOffset: number
  /** Offset to go on from; may lie beyond the last record (transaction markers, compacted records). */
  readonly nextOffset: number
}

/**
 * Turns record values into batches. A broker adapter drives it: `push` each record of one partition, `take` the batch.
 * A bad record becomes a refused entry of the batch; `push` never throws for one.
 */
export interface BatchDecoder<Batch extends SourceBatch> {
  /**
   * @param value        Bytes that hold the value (the record's own, or a whole segment); null for none.
   * @param from         Where the value starts in `value`.
   * @param to           Where it ends.
   * @param controlKind  Value of the header `redwick`, or undefined for a plain record.
   */
  push(
    value: Uint8Array | null,
    from: number,
    to: number,
    offset: number,
    appendTime: number,
    controlKind: string | undefined,
  ): Pushed
  /**
   * Takes records whose values lie in one buffer, without a call for each, for as long as there is room and nothing about
   * them is unusual.
   *
   * @param starts  Where each value starts in `bytes`; `ends`, where it ends. Plain records only, no control records.
   * @param from    Index of the first value; `to`, the index after the last.
   * @param offset  Offset of the first; the others follow without a gap.
   * @returns Index of the first value that it did not take: `push` that one.
   */
  pushRun(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    from: number,
    to: number,
    offset: number,
    appendTime: number,
  ): number
  /** Nothing in a batch points to what was pushed, which may be another's right after the call. Default: something may. */
  readonly isCopying?: true
  /** Id that the last `needsSchema` asked for. */
  readonly wantedSchemaId: number
  /**
   * Asks the registry. An id that the registry does not know, or a schema that does not fit, is remembered: its records are refused.
   *
   * @throws {TransientError} The registry is down: not the record's fault; try again.
   */
  resolveSchema(schemaId: number): Promise<void>
  /** Records pushed since the last `take`. */
  readonly pending: number
  /** The batch so far; what it holds may be reused by the next `push`. */
  take(partition: number, baseOffset: number, nextOffset: number): Batch
}
