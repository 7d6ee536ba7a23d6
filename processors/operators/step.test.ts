import { Subject } from 'rxjs'
import { expect, it } from 'vitest'
import { Interner } from '../../schemas/interner.ts'
import { createConservation } from '../core/effects.ts'
import type { PartitionContext, StreamElement } from '../core/stream-element.ts'
import { createSymbolIndex } from '../core/symbol-index.ts'
import { step } from './step.ts'

const context: PartitionContext = {
  partition: 0,
  partitions: 1,
  symbols: createSymbolIndex(new Interner()),
  lines: createSymbolIndex(new Interner()),
  watermark: { outOfOrdernessMs: 0, idleAfterMs: 0, futureBoundMs: 0 },
  effects: {
    counts: createConservation(),
    deadLetter: () => undefined,
    skipped: () => undefined,
    refuse: () => undefined,
    takeOutcome: () => undefined,
    alarm: () => undefined,
  },
  restored: () => [],
}

it('an error in a step reaches the subscriber before the call returns, and nothing comes after it', () => {
  const input = new Subject<StreamElement<number>>()
  const seen: unknown[] = []
  const picky = step<number, number>({ operator: 'picky', options: {} }, () => ({
    rows(rows, emit) {
      if (rows === 2) throw new RangeError('two')
      emit(rows * 10)
    },
  }))
  input.pipe(picky).subscribe({
    next: (element) => seen.push(element.kind === 'rows' ? element.rows : element.kind),
    error: (error: unknown) => seen.push(error),
  })
  input.next({ kind: 'open', context })
  for (const rows of [1, 2, 3]) input.next({ kind: 'rows', rows })
  expect(seen).toEqual(['open', 10, new RangeError('two')])
})
