import { expect, it } from 'vitest'
import { keptBytesMax, looksTogether, type Memory, startPageRelease } from './page-release.ts'

const megabyte = 1_048_576
const start: Memory = { rss: 100 * megabyte, heapTotal: 40 * megabyte, external: 10 * megabyte }

/** Looks at memory that is told to it; counts in place of collecting, unless another way is given. */
function fixture(collecting?: object) {
  let look = (): void => undefined
  const state = { memory: start, told: [] as string[], collected: 0, isOver: false }
  const counting = {
    collect: () => {
      state.collected += 1
    },
  }
  const end = startPageRelease({
    clock: {
      every: (_, task) => {
        look = task
        return () => {
          state.isOver = true
        }
      },
    },
    log: (_, message) => state.told.push(message),
    memory: () => state.memory,
    ...(collecting ?? counting),
  })
  const looks = (count: number, memory: Memory): number => {
    state.memory = memory
    for (let i = 0; i < count; i++) look()
    return state.collected
  }
  return { state, looks, end }
}

const kept = (bytes: number): Memory => ({ ...start, rss: start.rss + bytes })

it('collects when pages stay that no heap uses, and not again for what a collection leaves', () => {
  const { state, looks, end } = fixture()
  expect(looks(looksTogether, kept(keptBytesMax))).toBe(0)
  expect(looks(looksTogether, kept(keptBytesMax + 1))).toBe(1)
  expect(looks(10 * looksTogether, kept(keptBytesMax + 1))).toBe(1)
  expect(looks(looksTogether, kept(2 * keptBytesMax + 2))).toBe(2)
  end()
  expect(state.isOver).toBe(true)
})

it('does not mind a heap that grows, nor what is kept for a few looks', () => {
  const { looks } = fixture()
  const grown = { ...start, rss: start.rss + 500 * megabyte, heapTotal: start.heapTotal + 500 * megabyte }
  expect(looks(3 * looksTogether, grown)).toBe(0)
  expect(looks(looksTogether - 1, kept(2 * keptBytesMax))).toBe(0)
  expect(looks(looksTogether, start)).toBe(0)
})

it('measures from the least that was kept', () => {
  const { looks } = fixture()
  expect(looks(looksTogether, kept(-keptBytesMax))).toBe(0)
  expect(looks(looksTogether, kept(1))).toBe(1)
})

it('collects by itself', () => {
  const { state, looks } = fixture({})
  const held = { burst: Array.from({ length: 1_000_000 }, (_, i) => ({ at: String(i) })) }
  const before = process.memoryUsage().heapUsed
  held.burst = []
  looks(looksTogether, kept(2 * keptBytesMax))
  expect(process.memoryUsage().heapUsed).toBeLessThan(before - 20 * megabyte)
  expect(state.told).toEqual(['memory is given back'])
})
