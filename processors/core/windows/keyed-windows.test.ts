import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-runs.ts'
import { createByteReader, createByteWriter } from '../byte-buffer.ts'
import { countEvents, sumNumbers } from './aggregate.ts'
import { createKeyedWindows, type KeyedWindows, type KeyedWindowsOptions } from './keyed-windows.ts'
import { type WindowSpec, windowAssigner } from './window.ts'
import type { WindowEmission } from './window-entry.ts'

type Options = Omit<KeyedWindowsOptions<number, number>, 'aggregate'>
const create = (options: Options): KeyedWindows<number, number> =>
  createKeyedWindows({ ...options, aggregate: sumNumbers })

const said = ({ kind, key, window, value }: WindowEmission<number>): readonly unknown[] => [
  ...[kind, key, window.start, window.end, value],
]

describe('a tumbling window', () => {
  const options: Options = { window: { kind: 'tumbling', sizeMs: 10 }, allowedLatenessMs: 5 }

  it('fires at its last instant, and not before', () => {
    const windows = create(options)
    windows.add('a', 3, 1)
    windows.advance(8)
    expect(windows.drain()).toEqual([])
    windows.advance(9)
    expect(windows.drain().map(said)).toEqual([['final', 'a', 0, 10, 1]])
  })
  it('is corrected while its lateness lasts, then refuses', () => {
    const windows = create(options)
    windows.add('a', 3, 1)
    windows.advance(13)
    windows.drain()
    expect(windows.add('a', 4, 2)).toEqual([])
    expect(windows.drain().map(said)).toEqual([['correction', 'a', 0, 10, 3]])
    windows.advance(14)
    expect(windows.add('a', 4, 2)).toEqual([{ start: 0, end: 10 }])
    expect(windows.size).toBe(0)
  })
  it('is final at once when it is born after its time', () => {
    const windows = create(options)
    windows.advance(12)
    windows.add('a', 3, 1)
    expect(windows.drain().map(said)).toEqual([['final', 'a', 0, 10, 1]])
  })
  it('tells its updates at the pulse, once for many events', () => {
    const windows = create(options)
    windows.add('a', 3, 1)
    windows.add('a', 4, 1)
    expect(windows.pulse().map(said)).toEqual([['update', 'a', 0, 10, 2]])
    expect(windows.pulse()).toEqual([])
  })
  it('says only the last of several corrections', () => {
    const windows = create(options)
    windows.add('a', 3, 1)
    windows.advance(9)
    windows.add('a', 4, 1)
    windows.add('a', 5, 1)
    expect(windows.drain()).toMatchObject([{ kind: 'final', value: 3, revision: 3 }])
  })
  it('speaks once when its lateness is over, if that is asked', () => {
    const windows = create({ ...options, trigger: 'on-expiry' })
    windows.add('a', 3, 1)
    windows.advance(13)
    windows.add('a', 4, 1)
    expect(windows.drain()).toEqual([])
    windows.advance(14)
    expect(windows.drain().map(said)).toEqual([['final', 'a', 0, 10, 2]])
    expect(windows.size).toBe(0)
  })
  it('is not drawn back by a lower watermark, or by none', () => {
    const windows = create(options)
    windows.advance(20)
    windows.advance(3)
    windows.advance(Number.NaN)
    expect(windows.watermark).toBe(20)
  })
  it('fires what is due at one time by key and start, whatever came first', () => {
    const windows = create(options)
    for (const [key, ts] of [
      ['b', 3],
      ['a', 13],
      ['c', 4],
      ['a', 3],
    ] as const)
      windows.add(key, ts, 1)
    windows.advance(100)
    expect(windows.drain().map(({ key, window }) => `${key}${window.start}`)).toEqual(['a0', 'b0', 'c0', 'a10'])
  })
  it.each([Number.NaN, 0.5, -Number.MAX_SAFE_INTEGER, 8.64e15 + 1])('refuses the event time %s', (ts) => {
    expect(() => create(options).add('a', ts, 1)).toThrow('an event time is a whole number')
  })
})

describe('a session', () => {
  const options: Options = { window: { kind: 'session', gapMs: 10 }, allowedLatenessMs: 20 }

  it('takes back the sessions that a late event joins, before it says the new one', () => {
    const windows = create(options)
    windows.add('a', 0, 1)
    windows.add('a', 15, 2)
    windows.advance(24)
    windows.drain()
    windows.add('a', 7, 4)
    expect(windows.drain().map(said)).toEqual([
      ['retraction', 'a', 0, 10, 1],
      ['retraction', 'a', 15, 25, 2],
      ['final', 'a', 0, 25, 7],
    ])
  })
  it('takes nothing back that it has not said', () => {
    const windows = create(options)
    windows.add('a', 0, 1)
    windows.advance(9)
    windows.add('a', 5, 1)
    windows.advance(14)
    expect(windows.drain().map(said)).toEqual([['final', 'a', 0, 15, 2]])
  })
  it('takes back what only an update had said', () => {
    const windows = create(options)
    windows.add('a', 20, 1)
    windows.pulse()
    windows.add('a', 15, 1)
    expect(windows.pulse().map(said)).toEqual([
      ['retraction', 'a', 20, 30, 1],
      ['update', 'a', 15, 30, 2],
    ])
    expect(windows.drain()).toEqual([])
  })
  it('counts the revisions of what it joined', () => {
    const windows = createKeyedWindows({ ...options, aggregate: countEvents })
    windows.add('a', 0, 1)
    windows.add('a', 18, 1)
    windows.add('a', 9, 1)
    expect(windows.pulse()).toMatchObject([{ window: { start: 0, end: 28 }, value: 3, revision: 3 }])
  })
})

// Random logs: events of two keys, and watermarks, that lie around each other.
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      key: fc.constantFrom('a', 'b'),
      ts: fc.integer({ min: -60, max: 60 }),
      value: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ watermark: fc.integer({ min: -60, max: 80 }) }) },
)
type Step = { readonly key: string; readonly ts: number; readonly value: number } | { readonly watermark: number }
const logs = fc.array(step, { maxLength: 60 })
const size = fc.integer({ min: 1, max: 20 })
const fixedSpecs: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.record({ kind: fc.constant('tumbling' as const), sizeMs: size }),
  fc
    .tuple(size, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }))
    .map(([sizeMs, part, shift]) => {
      const advanceMs = Math.max(1, Math.ceil(sizeMs * part))
      return { kind: 'hopping' as const, sizeMs, advanceMs, shiftMs: Math.trunc((advanceMs - 1) * shift) }
    }),
)
const sessionSpecs: fc.Arbitrary<WindowSpec> = size.map((gapMs) => ({ kind: 'session', gapMs }))
const latenesses = fc.integer({ min: 0, max: 30 })

interface Outcome {
  readonly rows: Map<string, number>
  readonly late: string[]
}

/** Plays a log into windows; `restart` says before which steps they are written and read again. */
function play(options: Options, log: readonly Step[], restart: (at: number) => boolean = () => false): Outcome {
  let windows = create(options)
  const rows = new Map<string, number>()
  const late: string[] = []
  const drain = (): void => {
    for (const { kind, key, window, value } of windows.drain()) {
      const id = `${key} ${window.start} ${window.end}`
      if (kind === 'retraction') expect(rows.delete(id), 'only what was said is taken back').toBe(true)
      else {
        expect(rows.has(id), 'a final is the first, a correction is not').toBe(kind === 'correction')
        rows.set(id, value)
      }
    }
  }
  for (const [at, given] of log.entries()) {
    if (restart(at)) {
      drain()
      const writer = createByteWriter()
      windows.write(writer)
      windows = create(options)
      windows.read(createByteReader(writer.finish()))
    }
    if ('watermark' in given) windows.advance(given.watermark)
    else for (const { start, end } of windows.add(given.key, given.ts, given.value)) late.push(`${at} ${start} ${end}`)
    if (at % 3 === 0) drain()
  }
  windows.advance(Number.POSITIVE_INFINITY)
  drain()
  expect([windows.size, windows.keys], 'no state is left after lateness').toEqual([0, 0])
  return { rows, late }
}

/** Fixed windows by their definition: each (event, window) is late or counts. */
function fixedOracle({ window, allowedLatenessMs }: Options, log: readonly Step[]): Outcome {
  const rows = new Map<string, number>()
  const late: string[] = []
  let watermark = Number.NEGATIVE_INFINITY
  for (const [at, given] of log.entries()) {
    if ('watermark' in given) {
      watermark = Math.max(watermark, given.watermark)
      continue
    }
    for (const { start, end } of windowAssigner(window)(given.ts)) {
      if (watermark >= end - 1 + allowedLatenessMs) late.push(`${at} ${start} ${end}`)
      else rows.set(`${given.key} ${start} ${end}`, (rows.get(`${given.key} ${start} ${end}`) ?? 0) + given.value)
    }
  }
  return { rows, late }
}

/** Sessions by their definition: kept as bags of events, merged while any two overlap. */
function sessionOracle({ window, allowedLatenessMs }: Options, log: readonly Step[]): Outcome {
  if (window.kind !== 'session') throw new RangeError('sessions only')
  interface Session {
    readonly key: string
    start: number
    end: number
    sum: number
  }
  let alive: Session[] = []
  const rows = new Map<string, number>()
  const late: string[] = []
  let watermark = Number.NEGATIVE_INFINITY
  const expire = (): void => {
    for (const { key, start, end, sum } of alive)
      if (watermark >= end - 1 + allowedLatenessMs) rows.set(`${key} ${start} ${end}`, sum)
    alive = alive.filter(({ end }) => watermark < end - 1 + allowedLatenessMs)
  }
  for (const [at, given] of log.entries()) {
    if ('watermark' in given) {
      watermark = Math.max(watermark, given.watermark)
      expire()
      continue
    }
    const merged = { key: given.key, start: given.ts, end: given.ts + window.gapMs, sum: given.value }
    const joined = alive.filter(({ key, start, end }) => key === given.key && start < merged.end && end > merged.start)
    for (const { start, end, sum } of joined) {
      merged.start = Math.min(merged.start, start)
      merged.end = Math.max(merged.end, end)
      merged.sum += sum
    }
    if (watermark >= merged.end - 1 + allowedLatenessMs) {
      late.push(`${at} ${given.ts} ${given.ts + window.gapMs}`)
      continue
    }
    alive = [...alive.filter((session) => !joined.includes(session)), merged]
  }
  watermark = Number.POSITIVE_INFINITY
  expire()
  return { rows, late }
}

const byId = ({ rows, late }: Outcome): unknown => ({ rows: [...rows].sort(([a], [b]) => (a < b ? -1 : 1)), late })

// Goal: windows are what their definition says, whatever the order of events and watermarks, and wherever they are
// written and read again.
// Method: random logs against plain oracles that know neither timers nor state.
describe('any log', () => {
  it('gives fixed windows their events', () => {
    fc.assert(
      fc.property(fixedSpecs, latenesses, logs, fc.array(fc.nat(60)), (window, allowedLatenessMs, log, restarts) => {
        const options = { window, allowedLatenessMs }
        const expected = byId(fixedOracle(options, log))
        expect(byId(play(options, log))).toEqual(expected)
        expect(byId(play(options, log, (at) => restarts.includes(at)))).toEqual(expected)
      }),
      propertyRuns(200),
    )
  })
  it('gives sessions their events', () => {
    fc.assert(
      fc.property(sessionSpecs, latenesses, logs, fc.array(fc.nat(60)), (window, allowedLatenessMs, log, restarts) => {
        const options = { window, allowedLatenessMs }
        const expected = byId(sessionOracle(options, log))
        expect(byId(play(options, log))).toEqual(expected)
        expect(byId(play(options, log, (at) => restarts.includes(at)))).toEqual(expected)
      }),
      propertyRuns(200),
    )
  })
  it('says the same in one word when lateness is over', () => {
    fc.assert(
      fc.property(fc.oneof(fixedSpecs, sessionSpecs), latenesses, logs, (window, allowedLatenessMs, log) => {
        const options = { window, allowedLatenessMs }
        expect(byId(play({ ...options, trigger: 'on-expiry' }, log))).toEqual(byId(play(options, log)))
      }),
      propertyRuns(200),
    )
  })
})
