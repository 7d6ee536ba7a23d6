import type { Flow } from '../../processors/core/stream-element.ts'
import type { Flag } from '../../processors/core/stream-record.ts'
import { anyOffset } from './elements.ts'

/** Gives records without an offset their place among all that came by, from 0. */
export function createOffsets(): <T, F extends Flag>(element: Flow<T, F>) => Flow<T, F> {
  let next = 0
  return (element) => {
    if (element.kind !== 'rows') return element
    const offset = next++
    return element.rows.offset === anyOffset ? { kind: 'rows', rows: { ...element.rows, offset } } : element
  }
}
