import { describe, expect, it } from 'vitest'
import { at, record, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { numberCodec } from '../core/codec.ts'
import { keyBy } from './key-by.ts'

interface Visit {
  readonly user: string
}

describe('keyBy', () => {
  const byUser = keyBy('by-user', { key: ({ user }: Visit) => user })

  it('replaces the key and nothing else', () => {
    flowMarbles(byUser)
      .given('-a-b-w-|', { a: record('k', 12, { user: 'u' }), b: record('j', 7, { user: 'v' }), w: watermark(20) })
      .gives('-A-B-w-|', { A: at(0, record('u', 12, { user: 'u' })), B: at(1, record('v', 7, { user: 'v' })) })
  })
  it('says where the topology is to be cut', () => {
    const key = (value: number): string => String(value % 2)
    expect(keyBy('parity', { key, partitions: 3, codec: numberCodec }).rekey).toEqual({
      ...{ id: 'parity', key, partitions: 3, codec: numberCodec },
    })
    expect(byUser.rekey.id).toBe('by-user')
    expect(byUser.rekey.partitions).toBeUndefined()
    expect(byUser.step).toEqual({ operator: 'keyBy', id: 'by-user', options: {} })
  })
  it('refuses a record whose key is none', () => {
    const { refused } = flowMarbles(byUser)
      .given('-a-b-|', { a: record('k', 1, { user: '' }), b: record('k', 2, { user: 'u' }) })
      .gives('---B-|', { B: record('u', 2, { user: 'u' }) })
    expect(refused).toEqual([
      { offset: 0, key: 'k', stepId: 'by-user', result: 'rejected', detail: 'a key is a text that is not empty' },
    ])
  })
  it.each([0, 1.5, -1])('is not made over %s partitions', (partitions) => {
    expect(() => keyBy('x', { key: String, partitions })).toThrow('a whole number of partitions')
  })
})
