import { expect, it } from 'vitest'
import { TransientError } from '../schemas/errors.ts'
import { settled, startedOrStopped } from './engine-host.ts'
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

it('a broker that is down when the end of the log is asked for is waited for; any other trouble is told', async () => {
  const { clock, slept } = quickClock()
  const down = new TransientError({ code: 'BROKER_UNREACHABLE', message: 'down' })
  const answers = [down, down, new Map([[0, { earliest: 0, latest: 7 }]])]
  const admin = {
    async offsets() {
      const answer = answers.shift()
      if (answer instanceof Map) return answer
      throw answer ?? new Error('asked too often')
    },
  }
  const engine = {
    ...{ start: never.then, stop: never.then, checkpointNow: never.then, failed: never },
    ...{ committed: () => new Map([[0, 7]]), processed: () => new Map([[0, 7]]), standing: () => new Set<number>() },
  }
  const { signal } = new AbortController()
  await settled([engine], { admin, topic: 'ticks' }, clock, signal)
  expect([answers.length, slept.length]).toEqual([0, 2])
  await expect(settled([engine], { admin, topic: 'ticks' }, clock, signal)).rejects.toThrow('asked too often')
})
