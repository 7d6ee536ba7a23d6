import { expect, it } from 'vitest'
import type { RecordElement } from '../../topology/testing/elements.ts'
import { at, record, said, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { finals } from './finals.ts'

it('finals become events at the last instant of their window, all else is dropped', () => {
  const words: Record<string, RecordElement<Windowed<number>, WindowFlag>> = {
    u: said('update', 'k', [0, 10], 2),
    f: said('final', 'k', [0, 10], 3, 2),
    c: said('correction', 'k', [0, 10], 4, 3),
    r: said('retraction', 'k', [0, 10], 4, 3),
  }
  const { refused } = flowMarbles(finals<Windowed<number>>())
    .given('-u-f-c-r-w|', { ...words, w: watermark(9) })
    .gives('---e-----w|', { e: at(1, record('k', 9, { start: 0, end: 10, value: 3, revision: 2 })) })
  expect(refused).toEqual([])
})
