import { expect, it } from 'vitest'
import { createSimGroup } from './sim-group.ts'
import { createVirtualTime } from './virtual-time.ts'

/** A group of members that beat, until they are silenced. */
function createGroup() {
  const time = createVirtualTime(0)
  const group = createSimGroup(time)
  const owned = new Map<string, string>()
  const silent = new Set<string>()
  const join = (id: string): void => {
    void group.join(id, 4).then(({ generation, partitions }) => {
      owned.set(id, `${generation}: ${partitions}`)
      const beat = (): void => {
        if (silent.has(id)) return
        const answer = group.heartbeat(id, generation)
        if (answer === 'ok') time.at(time.now() + 1000, beat)
        else join(id)
      }
      beat()
    })
  }
  const run = (ms: number) => time.runUntil(() => false, time.now() + ms)
  return { group, owned, silent, join, run }
}

it('shares the partitions out anew when a member comes, and when one leaves', async () => {
  const { group, owned, silent, join, run } = createGroup()
  join('a')
  await run(1000)
  expect([...owned]).toEqual([['a', '1: 0,1,2,3']])
  join('b')
  await run(3000)
  expect(Object.fromEntries(owned)).toEqual({ a: '2: 0,2', b: '2: 1,3' })
  silent.add('a')
  group.leave('a')
  await run(3000)
  expect(owned.get('b')).toBe('3: 0,1,2,3')
})

it('goes on without a member that is silent, and knows it no more', async () => {
  const { group, owned, silent, join, run } = createGroup()
  join('a')
  join('b')
  await run(1000)
  expect(Object.fromEntries(owned)).toEqual({ a: '1: 0,2', b: '1: 1,3' })
  silent.add('a')
  await run(5000)
  expect(owned.get('b')).toBe('1: 1,3')
  await run(4000)
  expect(owned.get('b')).toBe('2: 0,1,2,3')
  expect(group.heartbeat('a', 1)).toBe('unknown')
})

it('does not wait longer than its time for one that does not join again', async () => {
  const { owned, join, group, run } = createGroup()
  // This one beats, but never joins again.
  void group.join('slow', 4).then(({ partitions }) => owned.set('slow', String(partitions)))
  join('a')
  await run(1000)
  join('b')
  for (let ms = 0; ms < 9000; ms += 1000) {
    group.heartbeat('slow', 1)
    await run(1000)
  }
  expect(owned.get('b')).toBeUndefined()
  await run(3000)
  expect(Object.fromEntries(owned)).toEqual({ slow: '1,3', a: '2: 0,2', b: '2: 1,3' })
})
