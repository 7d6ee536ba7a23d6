import { expect, it } from 'vitest'
import type { Quarantine } from '../ports/candle-store.ts'
import { Interner } from '../schemas/interner.ts'
import { createHeldKeys } from './held-keys.ts'
import { packStates } from './packed-state.ts'

it('holds what the checkpoint holds, and what failed at it or behind it; what failed before was released since', () => {
  const stored: Quarantine = {
    ...{ symbol: 'STORED', heldFrom: 5, failedAt: 60, error: 'no', historyFrom: 3 },
    state: packStates([]),
  }
  const symbols = new Interner()
  const states = [new Uint8Array([1]), new Uint8Array([2])]
  const held = createHeldKeys({
    symbols,
    checkpoint: {
      partition: 0,
      epoch: 1,
      nextOffset: 50,
      commitNo: 1,
      lastSeq: 0,
      states,
      outbox: [],
      quarantines: [stored],
    },
    suspects: [
      { symbol: 'STORED', offset: 60, error: 'again' },
      { symbol: 'AT', offset: 50, error: 'x'.repeat(1000) },
      { symbol: 'BEFORE', offset: 49, error: 'no' },
    ],
  })
  expect(['STORED', 'AT', 'BEFORE'].map((name) => held.isHeld(symbols.internName(name)))).toEqual([true, true, false])
  held.keep(7)
  expect(held.added).toEqual([
    { symbol: 'AT', heldFrom: 50, failedAt: 50, error: 'x'.repeat(500), historyFrom: 7, state: packStates(states) },
  ])
  expect([held.size, held.from, held.historyFrom(9)]).toEqual([2, 5, 3])
  expect(held.takeAdded()).toHaveLength(1)
  expect(held.added).toEqual([])
})
