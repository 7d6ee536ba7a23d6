import { describe, expect, it } from 'vitest'
import { createByteWriter } from '../byte-buffer.ts'
import { sumNumbers } from './aggregate.ts'
import { createKeyedWindows, type KeyedWindows, type KeyedWindowsOptions } from './keyed-windows.ts'

type Options = Omit<KeyedWindowsOptions<number, number>, 'aggregate'>
const create = (options: Options): KeyedWindows<number, number> =>
  createKeyedWindows({ ...options, aggregate: sumNumbers })
const tumbling: Options = { window: { kind: 'tumbling', sizeMs: 10 }, allowedLatenessMs: 5 }
const sessions: Options = { window: { kind: 'session', gapMs: 10 }, allowedLatenessMs: 5 }

it.each<{ name: string; options: Options }>([
  { name: 'a size of nothing', options: { ...tumbling, window: { kind: 'tumbling', sizeMs: 0 } } },
  { name: 'a lateness below zero', options: { ...tumbling, allowedLatenessMs: -1 } },
])('windows of $name are refused', ({ options }) => {
  expect(() => create(options)).toThrow(expect.objectContaining({ code: 'BAD_WINDOW' }))
})

describe('a window that has fired', () => {
  it('has no update, neither of before nor of its corrections', () => {
    const windows = create(tumbling)
    windows.add('a', 3, 1)
    windows.advance(9)
    expect(windows.pulse()).toEqual([])
    windows.add('a', 4, 1)
    expect(windows.pulse()).toEqual([])
  })
})

it('sessions find their place among later ones, however many', () => {
  const windows = create(sessions)
  for (const time of [100, 200, 300, 400, 0, 8]) windows.add('a', time, 1)
  windows.advance(17)
  expect(windows.drain()).toMatchObject([{ kind: 'final', window: { start: 0, end: 18 }, value: 2 }])
  windows.add('a', 108, 1)
  expect(windows.size).toBe(5)
})

it('an event of its own session is late when that is over, at its ms', () => {
  const windows = create(sessions)
  windows.advance(13)
  expect(windows.add('a', 0, 1)).toEqual([])
  windows.advance(14)
  expect(windows.add('b', 0, 1)).toEqual([{ start: 0, end: 10 }])
})

describe('an event within a session', () => {
  it('corrects it, and takes nothing back', () => {
    const windows = create(sessions)
    windows.add('a', 0, 1)
    windows.add('a', 4, 1)
    windows.advance(13)
    windows.drain()
    windows.add('a', 2, 1)
    expect(windows.drain()).toMatchObject([{ kind: 'correction', window: { start: 0, end: 14 }, value: 3 }])
  })
  it('is one more update of it, and takes nothing back', () => {
    const windows = create(sessions)
    windows.add('a', 0, 1)
    windows.add('a', 4, 1)
    windows.pulse()
    windows.add('a', 2, 1)
    expect(windows.pulse()).toMatchObject([{ kind: 'update', value: 3 }])
  })
})

it('a key is forgotten with the last of its windows', () => {
  const windows = create(tumbling)
  windows.add('a', 3, 1)
  windows.add('a', 13, 1)
  windows.add('b', 3, 1)
  windows.advance(14)
  expect([windows.size, windows.keys]).toEqual([1, 1])
})

describe('the state of windows', () => {
  it('is not written with something that nobody has taken', () => {
    const windows = create(tumbling)
    windows.add('a', 3, 1)
    windows.advance(9)
    expect(() => windows.write(createByteWriter())).toThrow('drained before they are written')
  })
})
