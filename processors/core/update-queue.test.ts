import { expect, it } from 'vitest'
import { createUpdateQueue } from './update-queue.ts'

const queueOf = (...symbols: readonly number[]) => {
  const queue = createUpdateQueue()
  queue.ensure(100)
  for (const s of symbols) queue.note(s)
  return queue
}

it('gives each symbol once, in order, and again when it is noted again', () => {
  const queue = queueOf(2, 0, 2)
  expect(queue.take(10)).toEqual([2, 0])
  expect(queue.take(10)).toEqual([])
  queue.ensure(200)
  for (const s of [150, 0, 150]) queue.note(s)
  expect([...queue.take(10)].sort((a, b) => a - b)).toEqual([0, 150])
})

it('gives symbols that were said before their half of the turns, whatever else is new', () => {
  const queue = queueOf(1, 2, 3)
  expect(queue.take(4)).toEqual([1, 2, 3])
  for (let s = 10; s < 20; s++) queue.note(s)
  queue.note(1)
  expect(queue.take(4)).toEqual([1, 10, 11, 12])
  for (const s of [1, 2, 3]) queue.note(s)
  expect(queue.take(4)).toEqual([1, 2, 13, 14])
  for (const s of [1, 2]) queue.note(s)
  expect(queue.take(4)).toEqual([3, 1, 15, 16])
})

it('gives new symbols their half, whatever else changes', () => {
  const queue = queueOf(1, 2, 3, 4)
  queue.take(4)
  for (const s of [1, 2, 3, 4, 50]) queue.note(s)
  expect(queue.take(4)).toEqual([1, 2, 3, 50])
  expect(queue.take(4)).toEqual([4])
})

it('gives every symbol in the end', () => {
  const queue = queueOf(...Array.from({ length: 100 }, (_, s) => s))
  const seen = new Set<number>()
  for (let turn = 0; turn < 34; turn++) for (const s of queue.take(3)) seen.add(s)
  expect(seen.size).toBe(100)
})
