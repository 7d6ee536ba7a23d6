import { expect, it } from 'vitest'
import { numberCodec } from './codec.ts'
import { createIntervalJoin, joinWaitingMax } from './interval-join.ts'

it('a key is full at the bound, until the watermark has made room; other keys are not', () => {
  const codecs = { left: numberCodec, right: numberCodec }
  const join = createIntervalJoin({ beforeMs: 0, afterMs: 10, allowedLatenessMs: 0, codecs })
  for (let i = 0; i < joinWaitingMax; i++) join.left.add({ key: 'k', eventTime: i, offset: i, value: i }, [])
  expect([join.left.isFull('k'), join.left.isFull('j'), join.right.isFull('k')]).toEqual([true, false, false])
  expect(join.advance(19)).toHaveLength(10)
  expect([join.left.isFull('k'), join.size]).toEqual([false, joinWaitingMax - 10])
  expect(join.right.partnersOf('k', 15).map(({ value }) => value)).toEqual([10, 11, 12, 13, 14, 15])
})
