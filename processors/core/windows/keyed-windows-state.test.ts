import { describe, expect, it } from 'vitest'
import { createByteReader, createByteWriter } from '../byte-buffer.ts'
import { type Aggregate, sumNumbers } from './aggregate.ts'
import { createKeyedWindows, type KeyedWindows, type KeyedWindowsOptions } from './keyed-windows.ts'

type Options = Omit<KeyedWindowsOptions<number, number>, 'aggregate'>
const create = (options: Options, aggregate: Aggregate<number, number> = sumNumbers): KeyedWindows<number, number> =>
  createKeyedWindows({ ...options, aggregate })

function image(windows: KeyedWindows<number, number>, full: boolean): Uint8Array {
  const writer = createByteWriter()
  windows.write(writer, full)
  return writer.finish()
}

function reopened(options: Options, images: readonly Uint8Array[]): KeyedWindows<number, number> {
  const windows = create(options)
  for (const one of images) windows.read(createByteReader(one))
  return windows
}

const tumbling: Options = { window: { kind: 'tumbling', sizeMs: 10 }, allowedLatenessMs: 5 }
const session: Options = { window: { kind: 'session', gapMs: 10 }, allowedLatenessMs: 20 }
/** Watermark, no retraction, no key. */
const nothing = 8 + 1 + 1

describe('an image of changes', () => {
  it('holds the keys that changed since the last image, and no other', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    windows.add('b', 1, 2)
    expect(image(windows, false).length).toBeGreaterThan(nothing)
    expect(image(windows, false)).toHaveLength(nothing)
    windows.add('b', 2, 3)
    const one = image(windows, false).length
    windows.add('a', 2, 3)
    windows.add('b', 2, 3)
    expect(image(windows, false)).toHaveLength(2 * one - nothing)
    expect(image(windows, true)).toHaveLength(2 * one - nothing)
    expect(image(windows, false)).toHaveLength(nothing)
  })
  it('takes the place of what was known of its keys', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    windows.add('b', 1, 2)
    const full = image(windows, true)
    windows.add('a', 2, 3)
    const next = reopened(tumbling, [full, image(windows, false)])
    expect(next.size).toBe(2)
    next.advance(9)
    expect(next.drain()).toMatchObject([
      { key: 'a', value: 4, revision: 2 },
      { key: 'b', value: 2, revision: 1 },
    ])
  })
  it('says that a key has no window left', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    const full = image(windows, true)
    windows.advance(14)
    windows.drain()
    const next = reopened(tumbling, [full, image(windows, false)])
    expect(next.size).toBe(0)
    next.advance(100)
    expect(next.drain()).toEqual([])
  })
  it('says that a window which had fired before is gone', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    windows.advance(9)
    windows.drain()
    const full = image(windows, true)
    windows.advance(14)
    expect(reopened(tumbling, [full, image(windows, false)]).size).toBe(0)
  })
  it('says that an update was taken', () => {
    const windows = create(session)
    windows.add('a', 20, 1)
    const full = image(windows, true)
    windows.pulse()
    const next = reopened(session, [full, image(windows, false)])
    next.add('a', 15, 1)
    expect(next.pulse()).toMatchObject([{ kind: 'retraction' }, { kind: 'update' }])
  })
  it('holds nothing right after a restart, of which the whole image is the same', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    windows.advance(9)
    windows.drain()
    const full = image(windows, true)
    expect(image(reopened(tumbling, [full]), true)).toEqual(full)
    expect(image(reopened(tumbling, [full]), false)).toHaveLength(nothing)
  })
  it('says that a final was taken', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    const full = image(windows, true)
    windows.advance(9)
    windows.drain()
    const next = reopened(tumbling, [full, image(windows, false)])
    next.add('a', 2, 1)
    expect(next.drain()).toMatchObject([{ kind: 'correction', value: 2 }])
  })
  it('leaves the others of which an update is due', () => {
    const windows = create(tumbling)
    windows.add('a', 1, 1)
    windows.pulse()
    windows.add('b', 1, 1)
    const next = reopened(tumbling, [image(windows, true)])
    expect(next.pulse()).toMatchObject([{ kind: 'update', key: 'b' }])
  })
})

describe('what only an update had said of a session', () => {
  const shown = (): KeyedWindows<number, number> => {
    const windows = create(session)
    windows.add('a', 20, 1)
    windows.pulse()
    return windows
  }
  it('is taken back after a restart too', () => {
    const next = reopened(session, [image(shown(), true)])
    next.add('a', 15, 1)
    expect(next.pulse()).toMatchObject([{ kind: 'retraction', window: { start: 20, end: 30 } }, { kind: 'update' }])
  })
  it('is still to be taken back when the merge was before the restart', () => {
    const windows = shown()
    windows.add('a', 15, 1)
    const next = reopened(session, [image(windows, true)])
    expect(next.pulse()).toMatchObject([
      { kind: 'retraction', key: 'a', window: { start: 20, end: 30 }, value: 1, revision: 1 },
      { kind: 'update', value: 2 },
    ])
  })
  it('is taken back once, however many images tell of it', () => {
    const windows = shown()
    windows.add('a', 15, 1)
    const next = reopened(session, [image(windows, true), image(windows, false)])
    expect(next.pulse()).toMatchObject([{ kind: 'retraction' }, { kind: 'update' }])
  })
  it('is taken back before the final that replaces it', () => {
    const windows = shown()
    windows.add('a', 25, 1)
    windows.advance(34)
    expect(windows.drain()).toMatchObject([{ kind: 'retraction' }, { kind: 'final' }])
    expect(windows.pulse()).toEqual([])
  })
  it('is taken back before the final that replaces it, and other keys wait for the pulse', () => {
    const windows = shown()
    windows.add('b', 120, 1)
    windows.pulse()
    windows.add('a', 25, 1)
    windows.add('b', 125, 1)
    windows.advance(34)
    expect(windows.drain()).toMatchObject([
      { kind: 'retraction', key: 'a', window: { start: 20, end: 30 } },
      { kind: 'final', key: 'a', window: { start: 20, end: 35 } },
    ])
    expect(windows.pulse()).toMatchObject([
      { kind: 'retraction', key: 'b' },
      { kind: 'update', key: 'b' },
    ])
  })
})

describe('an aggregate that throws', () => {
  const picky: Aggregate<number, number> = {
    ...sumNumbers,
    add(acc, value) {
      if (value === 13) throw new RangeError('thirteen')
      return acc + value
    },
    merge(earlier, later) {
      if (earlier + later === 99) throw new RangeError('ninety-nine')
      return earlier + later
    },
  }
  it.each([
    { name: 'while it adds', values: [1, 2], last: 13 },
    { name: 'while it merges', values: [90, 9], last: 1 },
  ])('$name leaves the sessions that were to be joined', ({ values: [first = 0, second = 0], last }) => {
    const windows = create(session, picky)
    windows.add('a', 0, first)
    windows.add('a', 15, second)
    expect(() => windows.add('a', 7, last)).toThrow(RangeError)
    windows.advance(100)
    expect(windows.drain()).toMatchObject([{ value: first }, { value: second }])
    expect(windows.size).toBe(0)
  })
  it('makes no window', () => {
    const windows = create(tumbling, picky)
    expect(() => windows.add('a', 0, 13)).toThrow('thirteen')
    expect(windows.size).toBe(0)
  })
})

describe('an aggregate that can be empty', () => {
  const balance: Aggregate<number, number> = { ...sumNumbers, isEmpty: (acc) => acc === 0 }

  it('says nothing while it is', () => {
    const windows = create(tumbling, balance)
    windows.add('a', 1, 5)
    windows.add('a', 1, -5)
    expect(windows.pulse()).toEqual([])
    windows.advance(9)
    expect(windows.drain()).toEqual([])
  })
  it('takes back its final, and is final anew', () => {
    const windows = create(tumbling, balance)
    windows.add('a', 1, 5)
    windows.advance(9)
    windows.drain()
    windows.add('a', 1, -5)
    expect(windows.drain()).toMatchObject([{ kind: 'retraction', revision: 2 }])
    windows.add('a', 1, 3)
    expect(windows.drain()).toMatchObject([{ kind: 'final', value: 3 }])
  })
  it('takes back its update at the pulse, or when it fires', () => {
    const windows = create(tumbling, balance)
    for (const key of ['a', 'b']) windows.add(key, 1, 5)
    windows.pulse()
    windows.add('a', 1, -5)
    expect(windows.pulse()).toMatchObject([{ kind: 'retraction', key: 'a' }])
    windows.add('b', 1, -5)
    windows.advance(9)
    expect(windows.drain()).toMatchObject([{ kind: 'retraction', key: 'b' }])
  })
})

it('an event without weight counts no revision', () => {
  const windows = create(tumbling)
  windows.add('a', 1, 5, 0)
  windows.add('a', 1, 5)
  windows.advance(9)
  expect(windows.drain()).toMatchObject([{ value: 10, revision: 1 }])
})
