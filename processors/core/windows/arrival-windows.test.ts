import { expect, it } from 'vitest'
import { createByteReader, createByteWriter } from '../byte-buffer.ts'
import { sumNumbers } from './aggregate.ts'
import { createArrivalWindows } from './arrival-windows.ts'

it('an image of windows in arrival order is whole unless changes are asked', () => {
  const create = () => createArrivalWindows({ aggregate: sumNumbers, isFull: (_sum, count) => count === 2 })
  const windows = create()
  windows.add('a', 3, 1)
  windows.write(createByteWriter())
  const whole = createByteWriter()
  windows.write(whole)
  const next = create()
  next.read(createByteReader(whole.finish()))
  expect(next.size).toBe(1)
  next.add('a', 9, 5)
  expect(next.drain()).toEqual([{ kind: 'final', key: 'a', window: { start: 3, end: 10 }, value: 6, revision: 2 }])
})
