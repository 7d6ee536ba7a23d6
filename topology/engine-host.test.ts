import { expect, it } from 'vitest'
import { startedOrStopped } from './engine-host.ts'
import { systemClock } from './system-clock.ts'

const never = new Promise<never>(() => undefined)
/** Sleeps are over at once; each is kept. */
function quickClock() {
  const slept: number[] = []
  return { slept, clock: { ...systemClock, sleep: async (ms: number) => void slept.push(ms) } }
}

it('a start is waited for as long as it takes, and its failure is told', async () => {
  const { clock, slept } = quickClock()
  await startedOrStopped(clock, Promise.resolve(), never)
  await expect(startedOrStopped(clock, Promise.reject(new Error('no topic')), never)).rejects.toThrow('no topic')
  const first = await Promise.race([startedOrStopped(clock, never, never), systemClock.sleep(20).then(() => 'waits')])
  expect([first, slept]).toEqual(['waits', []])
})

it('a stop does not wait for a start that hangs', async () => {
  const { clock, slept } = quickClock()
  await startedOrStopped(clock, never, Promise.resolve())
  expect(slept).toEqual([3_000])
})
