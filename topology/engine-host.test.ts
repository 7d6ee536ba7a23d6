import { describe, expect, it } from 'vitest'
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
    ...{ committed: () => new Map([[0, 7]]), processed: () => new Map([[0, 7]]) },
    ...{ standing: () => new Set<number>(), assigned: () => new Set([0]) },
  }
  const { signal } = new AbortController()
  await settled([engine], { admin, topic: 'ticks' }, clock, signal)
  expect([answers.length, slept.length]).toEqual([0, 2])
  await expect(settled([engine], { admin, topic: 'ticks' }, clock, signal)).rejects.toThrow('asked too often')
})

describe('partitions that other processes may have', () => {
  /** Time passes with sleeps alone; what happens at each is told by `at`. */
  async function endsAt(
    at: (now: number) => Partial<Record<'mine' | 'assigned' | 'stored', readonly number[] | Error>>,
  ) {
    let now = 0
    const told = {
      mine: [] as readonly number[],
      assigned: [] as readonly number[],
      stored: [] as readonly number[] | Error,
    }
    const look = (): void => void Object.assign(told, at(now))
    look()
    const offsets = (values: readonly number[]): Map<number, number> =>
      new Map([...values.entries()].filter(([, offset]) => offset >= 0))
    const mine = (): Map<number, number> => offsets(told.mine)
    const engine = {
      ...{ start: never.then, stop: never.then, failed: never, checkpointNow: async () => undefined },
      ...{
        committed: mine,
        processed: mine,
        standing: () => new Set<number>(),
        assigned: () => new Set(told.assigned),
      },
    }
    const store = {
      async positions() {
        if (told.stored instanceof Error) throw told.stored
        return [...offsets(told.stored)].map(([partition, nextOffset]) => ({
          partition,
          nextOffset,
          epoch: 1,
          commitNo: 1,
        }))
      },
    }
    const aborting = new AbortController()
    const clock = {
      ...systemClock,
      monotonic: () => now,
      async sleep(ms: number) {
        now += ms
        look()
        if (now > 100_000) aborting.abort()
        await Promise.resolve()
      },
    }
    const admin = { offsets: async () => new Map([0, 1].map((partition) => [partition, { earliest: 0, latest: 7 }])) }
    await settled([engine], { admin, topic: 'ticks', others: { store, stage: 'candles' } }, clock, aborting.signal)
    return aborting.signal.aborted ? 'never' : now
  }

  it('are done when ours are, and the store has theirs to the end', async () => {
    const end = await endsAt((now) => ({
      assigned: [0],
      mine: [now < 20_000 ? 5 : 7],
      stored: [0, now < 30_000 ? 6 : 7],
    }))
    expect(end).toBeGreaterThanOrEqual(30_000)
    expect(end).toBeLessThan(31_000)
  })

  it('are not taken for theirs before the group has had time to give them to us: what they owe would be left unsaid', async () => {
    expect(await endsAt(() => ({ stored: [7, 7] }))).toBeGreaterThanOrEqual(10_000)
    // Given at last, and being taken over.
    expect(await endsAt((now) => ({ stored: [7, 7], assigned: now < 9_000 ? [] : [0, 1] }))).toBe('never')
    const taken = await endsAt((now) => ({
      ...{ stored: [7, 7], assigned: now < 9_000 ? [] : [0, 1], mine: now < 40_000 ? [] : [7, 7] },
    }))
    expect(taken).toBeGreaterThanOrEqual(40_000)
  })

  it('may come back to us from a rebalance', async () => {
    const end = await endsAt((now) => ({
      ...{ stored: [7, 7], assigned: now < 20_000 || now > 25_000 ? [0, 1] : [] },
      mine: now < 50_000 ? [6, 7] : [7, 7],
    }))
    expect(end).toBeGreaterThanOrEqual(50_000)
  })

  it('are asked for again while the store is down', async () => {
    const down = new TransientError({ code: 'STORE_UNREACHABLE', message: 'down' })
    const end = await endsAt((now) => ({ assigned: [0], mine: [7], stored: now < 20_000 ? down : [7, 7] }))
    expect(end).toBeGreaterThanOrEqual(20_000)
    expect(end).toBeLessThan(21_000)
  })
})
