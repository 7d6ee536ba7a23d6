import { expect, it } from 'vitest'
import { jsonCodec } from './codec.ts'
import { createKeyedProcess } from './keyed-process.ts'

const cause = { key: 'k', offset: 0, eventTime: 0 }

it('timers that set timers without end stop at a bound, and go on at the next watermark', () => {
  let postponed = 0
  const cells = createKeyedProcess({ codec: jsonCodec<number>(), onPostponed: () => (postponed += 1), chainedMax: 3 })
  cells.change(cause, (draft) => draft.setTimer('eventTime', 1))
  const fired: number[] = []
  const advance = (to: number): readonly number[] => {
    cells.fire('eventTime', to, ({ at }, draft) => {
      fired.push(at)
      draft.setTimer('eventTime', at + 1)
      return true
    })
    return fired.splice(0)
  }
  expect(advance(1000)).toEqual([1, 2, 3, 4])
  expect(advance(1001)).toEqual([5, 6, 7, 8])
  expect(postponed).toBe(2)
})

it('what throws is thrown on, and changes neither state nor timers', () => {
  const cells = createKeyedProcess({ codec: jsonCodec<number>(), onPostponed: () => undefined })
  const broken = new RangeError('no')
  const change = (): void =>
    cells.change(cause, (draft) => {
      draft.set(1)
      draft.setTimer('eventTime', 1)
      throw broken
    })
  expect(change).toThrow(broken)
  expect(cells.size).toBe(0)
})

it('a timer that is cancelled and set again within one function is one timer', () => {
  const cells = createKeyedProcess({ codec: jsonCodec<number>(), onPostponed: () => undefined })
  cells.change(cause, (draft) => draft.setTimer('eventTime', 5))
  cells.change(cause, (draft) => {
    draft.cancelTimers(5)
    draft.setTimer('eventTime', 5)
  })
  const fired: number[] = []
  cells.fire('eventTime', 9, ({ at }) => {
    fired.push(at)
    return true
  })
  expect(fired).toEqual([5])
  expect(cells.size).toBe(0)
})
