import { describe, expect, it } from 'vitest'
import { createIdleTimer } from './idle-timer.ts'
import { createTimeHeap } from './time-heap.ts'
import { checkWindow, hoppingWindowsMax, type WindowSpec, windowAssigner } from './window.ts'

const spans = (spec: WindowSpec, time: number): number[][] =>
  windowAssigner(spec)(time).map(({ start, end }) => [start, end])

describe('an instant falls in', () => {
  const hopping = { kind: 'hopping', sizeMs: 10, advanceMs: 4 } as const
  it.each<{ name: string; spec: WindowSpec; at: number; windows: number[][] }>([
    { name: 'the window that begins with it', spec: { kind: 'tumbling', sizeMs: 5 }, at: 5, windows: [[5, 10]] },
    { name: 'the window of which it is the last', spec: { kind: 'tumbling', sizeMs: 5 }, at: 4, windows: [[0, 5]] },
    { name: 'a window before 1970', spec: { kind: 'tumbling', sizeMs: 5 }, at: -1, windows: [[-5, 0]] },
    { name: 'a window moved later', spec: { kind: 'tumbling', sizeMs: 5, shiftMs: 2 }, at: 1, windows: [[-3, 2]] },
    { name: 'a window moved earlier', spec: { kind: 'tumbling', sizeMs: 5, shiftMs: -2 }, at: 3, windows: [[3, 8]] },
    {
      name: 'all that hop over it',
      spec: hopping,
      at: 9,
      windows: [
        [0, 10],
        [4, 14],
        [8, 18],
      ],
    },
    {
      name: 'not the one that has ended',
      spec: hopping,
      at: 10,
      windows: [
        [4, 14],
        [8, 18],
      ],
    },
    {
      name: 'hopping windows that are moved',
      spec: { ...hopping, shiftMs: 1 },
      at: 0,
      windows: [
        [-7, 3],
        [-3, 7],
      ],
    },
    { name: 'a session of its own', spec: { kind: 'session', gapMs: 3 }, at: 7, windows: [[7, 10]] },
  ])('$name', ({ spec, at, windows }) => {
    expect(spans(spec, at)).toEqual(windows)
  })
})

describe('a window is refused', () => {
  it.each<{ name: string; spec: WindowSpec; lateness?: number }>([
    { name: 'without a size', spec: { kind: 'tumbling', sizeMs: 0 } },
    { name: 'with half a ms', spec: { kind: 'tumbling', sizeMs: 0.5 } },
    { name: 'with a size that is no number', spec: { kind: 'tumbling', sizeMs: Number.NaN } },
    { name: 'of more than centuries', spec: { kind: 'tumbling', sizeMs: 1e13 + 1 } },
    { name: 'moved by its size', spec: { kind: 'tumbling', sizeMs: 5, shiftMs: 5 } },
    { name: 'moved by half a ms', spec: { kind: 'tumbling', sizeMs: 5, shiftMs: 0.5 } },
    { name: 'that does not hop', spec: { kind: 'hopping', sizeMs: 5, advanceMs: 0 } },
    { name: 'that hops by half a ms', spec: { kind: 'hopping', sizeMs: 5, advanceMs: 0.5 } },
    { name: 'that hops over events', spec: { kind: 'hopping', sizeMs: 5, advanceMs: 6 } },
    { name: 'that hops too often', spec: { kind: 'hopping', sizeMs: hoppingWindowsMax + 1, advanceMs: 1 } },
    { name: 'moved by its advance', spec: { kind: 'hopping', sizeMs: 5, advanceMs: 2, shiftMs: -2 } },
    { name: 'that never lasts', spec: { kind: 'session', gapMs: 0 } },
    { name: 'with a lateness below zero', spec: { kind: 'session', gapMs: 5 }, lateness: -1 },
    { name: 'with a lateness of half a ms', spec: { kind: 'session', gapMs: 5 }, lateness: 0.5 },
    { name: 'with a lateness of more than centuries', spec: { kind: 'session', gapMs: 5 }, lateness: 1e13 + 1 },
  ])('$name', ({ spec, lateness = 0 }) => {
    expect(() => checkWindow(spec, lateness)).toThrow(expect.objectContaining({ code: 'BAD_WINDOW', exitCode: 78 }))
  })
  it.each<WindowSpec>([
    { kind: 'tumbling', sizeMs: 1e13 },
    { kind: 'tumbling', sizeMs: 5, shiftMs: -4 },
    { kind: 'hopping', sizeMs: hoppingWindowsMax, advanceMs: 1 },
    { kind: 'hopping', sizeMs: 5, advanceMs: 5 },
    { kind: 'hopping', sizeMs: 3_600_000, advanceMs: 60_000 },
    { kind: 'session', gapMs: 1 },
    { kind: 'calendar', unit: 'day', zone: 'UTC' },
  ])('but not %o', (spec) => {
    expect(() => checkWindow(spec, 1e13)).not.toThrow()
  })
  it('in a zone that there is not', () => {
    expect(() => checkWindow({ kind: 'calendar', unit: 'day', zone: 'Nowhere' }, 0)).toThrow('no time zone')
  })
})

describe('an idle timer', () => {
  it('counts silence from the first look', () => {
    const timer = createIdleTimer(10)
    expect([0, 10, 11].map((now) => timer.isIdle(now))).toEqual([false, false, true])
  })
  it('says no at the look after an activity, and counts from the next', () => {
    const timer = createIdleTimer(10)
    timer.isIdle(0)
    timer.activity()
    expect([100, 101, 111, 112].map((now) => timer.isIdle(now))).toEqual([false, false, false, true])
  })
  it('may be of one ms', () => {
    const timer = createIdleTimer(1)
    expect([0, 1, 2].map((now) => timer.isIdle(now))).toEqual([false, false, true])
  })
  it.each([0, -1, 0.5, Number.NaN])('refuses a timeout of %s', (timeout) => {
    expect(() => createIdleTimer(timeout)).toThrow(expect.objectContaining({ code: 'BAD_IDLE_TIMEOUT', exitCode: 78 }))
  })
})

it('a heap of times gives what is due, by time and then in its own order', () => {
  const heap = createTimeHeap<string>((a, b) => a < b)
  for (const [time, item] of [
    [5, 'e'],
    [1, 'z'],
    [3, 'c'],
    [1, 'a'],
    [9, 'n'],
    [3, 'b'],
    [1, 'm'],
  ] as const)
    heap.push(time, item)
  const due: string[] = []
  for (let item = heap.popUntil(5); item !== undefined; item = heap.popUntil(5)) due.push(item)
  expect(due.join('')).toBe('amzbce')
  expect(heap.size).toBe(1)
  expect(heap.popUntil(8)).toBeUndefined()
  expect(heap.popUntil(9)).toBe('n')
})

it('a heap of many times gives them ascending, while others are put in', () => {
  const heap = createTimeHeap<number>((a, b) => a < b)
  const times = Array.from({ length: 101 }, (_, i) => (i * 37) % 101)
  for (const time of times) heap.push(time, time)
  const due: number[] = []
  for (let item = heap.popUntil(300); item !== undefined; item = heap.popUntil(300)) {
    due.push(item)
    if (item % 2 === 0 && item < 101) heap.push(item + 101, item + 101)
  }
  const later = times.filter((time) => time % 2 === 0).map((time) => time + 101)
  expect(due).toEqual([...times, ...later].sort((a, b) => a - b))
})
