import { expect, it } from 'vitest'
import { createRetention } from './retention.ts'

it('a topic keeps what the slowest of the stages that read it has not committed', () => {
  const held: [string, Record<number, number>][] = []
  const retention = createRetention(
    (topic, offsets) => void held.push([topic, Object.fromEntries(offsets)]),
    new Map([
      ['shared', ['fast', 'slow']],
      ['own', ['alone']],
    ]),
  )
  const [fast, slow] = [retention('fast'), retention('slow')]
  fast('shared', new Map([[0, 100]]))
  slow('shared', new Map([[0, 10]]))
  fast('shared', new Map([[0, 200]]))
  expect(held.map(([, offsets]) => offsets[0])).toEqual([0, 10, 10])
  retention('alone')('own', new Map([[1, 7]]))
  expect(held.at(-1)).toEqual(['own', { 1: 7 }])
})
