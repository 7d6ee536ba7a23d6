import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { createPosition, fitOf, skipMarkers } from './partition-positions.ts'

describe('partitions of keys', () => {
  it("are those of Kafka's own default partitioner", () => {
    const choose = Partitioners.DefaultPartitioner()
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 64 }),
        (key, count) => {
          const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
            ...{ partitionId, partitionErrorCode: 0, leader: 1, replicas: [], isr: [] },
          }))
          expect(partitionOfKey(key, count)).toBe(
            choose({ topic: 't', partitionMetadata, message: { key, value: null } }),
          )
        },
      ),
    )
  })
})

describe('a position', () => {
  it('takes only what continues it', () => {
    const position = createPosition(10)
    expect(fitOf(position, 10)).toBe('fits')
    expect(fitOf(position, 9)).toBe('misfit')
    expect(fitOf(position, 9)).toBe('misfit')
  })

  it('believes a jump ahead when fetching again shows it again', () => {
    const position = createPosition(10)
    expect([fitOf(position, 12), fitOf(position, 12)]).toEqual(['misfit', 'skipped'])
  })

  it.each([
    { name: 'markers at the position move it', first: 10, last: 11, sought: true, expected: 12 },
    { name: 'markers past it move it where nothing was sought', first: 11, last: 11, sought: false, expected: 12 },
    { name: 'markers past it may be old after a seek', first: 5000, last: 5001, sought: true, expected: 10 },
    { name: 'markers before it are old', first: 3, last: 4, sought: false, expected: 10 },
  ])('$name', ({ first, last, sought, expected }) => {
    const position = { ...createPosition(10), sought }
    skipMarkers(position, first, last)
    expect(position.expected).toBe(expected)
  })
})
