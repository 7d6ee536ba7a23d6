import { copyRow } from '../processors/core/held-rows.ts'
import { type ColumnBatch, createTickColumns, type PlacedControl } from '../schemas/columns.ts'
import type { Piece } from './stage.ts'

/**
 * Cuts a batch of columns into its records, in order, so that one that makes a step throw is known by its offset.
 * What a piece holds is reused by the next one.
 *
 * @param symbolName Of the worker's id.
 */
export function* piecesOf(batch: ColumnBatch, symbolName: (id: number) => string): Generator<Piece<ColumnBatch>> {
  const { partition, columns, controls, refused } = batch
  const one = createTickColumns(1)
  const others = [
    ...controls.map((placed) => ({ offset: placed.offset, controls: [{ ...placed, row: 0 }], refused: [] })),
    ...refused.map((record) => ({ offset: record.offset, controls: [] as PlacedControl[], refused: [record] })),
  ].sort((a, b) => a.offset - b.offset)
  let baseOffset = batch.baseOffset
  let next = 0
  let left = columns.length + others.length
  // Of records that nobody gets: what comes behind goes on from there.
  if (left === 0) yield { batch, offset: baseOffset, key: undefined }
  const span = (offset: number): { readonly baseOffset: number; readonly nextOffset: number } => {
    const from = baseOffset
    left -= 1
    baseOffset = left === 0 ? batch.nextOffset : offset + 1
    return { baseOffset: from, nextOffset: baseOffset }
  }
  for (let row = 0; row <= columns.length; row++) {
    const offset = row < columns.length ? (columns.offset[row] as number) : Number.POSITIVE_INFINITY
    for (let other = others[next]; other !== undefined && other.offset < offset; other = others[++next]) {
      one.length = 0
      const piece = { partition, ...span(other.offset), columns: one, controls: other.controls, refused: other.refused }
      yield { batch: piece, offset: other.offset, key: undefined }
    }
    if (row === columns.length) break
    copyRow(columns, row, one, 0)
    one.length = 1
    const key = symbolName(columns.symbol[row] as number)
    yield { batch: { partition, ...span(offset), columns: one, controls: [], refused: [] }, offset, key }
  }
}
