import { expect, it } from 'vitest'
import { createTickColumns } from '../schemas/columns.ts'
import { piecesOf } from './pieces.ts'

it('a batch of records that nobody gets is one piece: what comes behind goes on from its end', () => {
  const batch = { partition: 0, baseOffset: 4, nextOffset: 6, columns: createTickColumns(1), controls: [], refused: [] }
  const pieces = [...piecesOf(batch, () => 'A')].map(({ batch: { baseOffset, nextOffset }, key }) => ({
    ...{ baseOffset, nextOffset, key },
  }))
  expect(pieces).toEqual([{ baseOffset: 4, nextOffset: 6, key: undefined }])
})

it('pieces go on from each other, to the end of the batch', () => {
  const columns = createTickColumns(2)
  columns.length = 2
  columns.offset.set([5, 8])
  const refused = [{ offset: 6, reason: 'MALFORMED' as const, detail: '', schemaId: null, payload: new Uint8Array() }]
  const batch = { partition: 0, baseOffset: 4, nextOffset: 11, columns, controls: [], refused }
  const spans = [...piecesOf(batch, () => 'A')].map(({ batch: { baseOffset, nextOffset } }) => [baseOffset, nextOffset])
  expect(spans).toEqual([
    [4, 6],
    [6, 7],
    [7, 11],
  ])
})
