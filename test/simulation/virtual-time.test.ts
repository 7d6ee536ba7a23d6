import { expect, it } from 'vitest'
import { createVirtualTime } from './virtual-time.ts'

it('goes from timer to timer, in order of time and then of setting', async () => {
  const time = createVirtualTime(1000)
  const seen: string[] = []
  time.at(1005, () => seen.push(`b ${time.now()}`))
  time.at(1002.5, () => seen.push(`a ${time.now()}`))
  time.at(1005, () => seen.push(`c ${time.now()}`))
  time.at(1004, () => seen.push('cancelled'))()
  expect(await time.runUntil(() => false, 2000)).toBe(false)
  expect(seen).toEqual(['a 1003', 'b 1005', 'c 1005'])
  expect(time.now()).toBe(2000)
})

it('does all that follows at one instant before the next, and stops where it is told', async () => {
  const time = createVirtualTime(0)
  const seen: number[] = []
  const chain = async () => {
    for (let i = 0; i < 3; i++) {
      await time.sleep(10)
      await Promise.resolve()
      await Promise.resolve()
      seen.push(time.now())
    }
  }
  void chain()
  time.at(15, () => seen.push(15))
  expect(await time.runUntil(() => seen.length === 3, 1000)).toBe(true)
  expect(seen).toEqual([10, 15, 20])
  // A time that is over is now.
  time.at(3, () => seen.push(time.now()))
  await time.runUntil(() => seen.length === 4, 1000)
  expect(seen.at(-1)).toBe(20)
})
