import { describe, expect, it } from 'vitest'
import { Interner } from '../../schemas/interner.ts'
import { createByteReader, createByteWriter } from './byte-buffer.ts'
import { aliveAt, type CandleHistory, createCandleHistory, createWaitingWindow, isWaiting } from './candle-history.ts'
import { emptyWindow } from './segment-content.ts'
import { createSymbolIndex } from './symbol-index.ts'
import { windowStatus } from './window-columns.ts'
import { createWindowRings, growRings, placeOf, type WindowRing } from './window-rings.ts'

const minute = 60_000
const sizes = [minute, 5 * minute, 15 * minute] as const
const { live, published } = windowStatus

/** A history of the symbols A, B and C, with the live windows of nobody. */
function create() {
  const symbols = createSymbolIndex(new Interner())
  for (const name of ['A', 'B', 'C']) symbols.localOfName(name)
  const [baseMs, ...rollUpMs] = sizes
  const rings = createWindowRings({ baseMs, rollUpMs, allowedLatenessMs: 2 * minute, outOfOrdernessMs: 500 })
  growRings(rings, 3)
  const ringOf = (sizeMs: number): WindowRing => {
    const ring = rings.find((one) => one.sizeMs === sizeMs)
    if (ring === undefined) throw new RangeError(`there are windows of ${sizeMs} ms`)
    return ring
  }
  return {
    history: createCandleHistory(symbols, rings),
    symbols,
    rings,
    ringOf,
    /** Puts a live window into its ring. */
    put(sizeMs: number, s: number, number: number, extra: number, status: number = live) {
      const { columns } = ringOf(sizeMs)
      const k = placeOf(ringOf(sizeMs), s, number)
      columns.status[k] = status
      columns.extra[k] = extra
      columns.values.set(emptyWindow(number).values, k * emptyWindow(0).values.length)
    },
    extraOf: (sizeMs: number, s: number, number: number): number =>
      ringOf(sizeMs).columns.extra[placeOf(ringOf(sizeMs), s, number)] as number,
  }
}

function image(history: CandleHistory, full = true): Uint8Array {
  const writer = createByteWriter()
  history.write(writer, full)
  return writer.finish()
}
const readInto = (history: CandleHistory, bytes: Uint8Array): void => history.read(createByteReader(bytes), () => {})
const waitingWindow = (sizeMs: number, number: number, extra: number): WindowRing => {
  const window = createWaitingWindow(sizeMs, emptyWindow(number))
  window.columns.extra[0] = extra
  return window
}
const sealsOf = (history: CandleHistory, s: number): unknown[] => {
  const found: unknown[] = []
  history.seals(s)?.forEach((from, to) => {
    found.push([from, to])
  })
  return found
}
/** Applied offset, no parts, no symbols. */
const nothing = [0, 0, 0]

it('a history without anything is three numbers, and says nothing of any symbol', () => {
  const { history } = create()
  expect([...image(history)]).toEqual(nothing)
  expect([...image(history, false)]).toEqual(nothing)
  expect(history.isEmpty).toBe(true)
  expect([history.seals(1), history.isSealed(1, 0), history.waiting(1)]).toEqual([undefined, false, []])
  expect(history.take(1, 300_000, 0)).toBeUndefined()
  expect(history.isEmpty).toBe(true)
  expect([...image(history, false)]).toEqual(nothing)
})

it('what was applied is read back', () => {
  const { history } = create()
  history.appliedTo = 300
  const other = create().history
  readInto(other, image(history))
  expect(other.appliedTo).toBe(300)
})

describe('an image', () => {
  const images = [
    { of: 'everything', full: true },
    { of: 'what changed', full: false },
  ]
  it.each(images)('of $of holds seals, windows that wait, and what revisions have above trades', ({ full }) => {
    const from = create()
    const to = create()
    for (const one of [from, to]) {
      one.put(300_000, 1, 7, 0)
      one.put(900_000, 1, 3, 0)
      one.put(300_000, 1, 8, 0)
    }
    from.put(300_000, 1, 7, -2)
    from.put(900_000, 1, 3, 4, live | published)
    from.history.seal(0, 5, 9)
    from.history.seal(0, 20, 21)
    from.history.wait(0, waitingWindow(300_000, 7, 3))
    from.history.wait(0, waitingWindow(900_000, 2, 0))
    from.history.note(1)
    readInto(to.history, image(from.history, full))
    expect(sealsOf(to.history, 0)).toEqual([
      [5, 9],
      [20, 21],
    ])
    expect([8, 9].map((number) => to.history.isSealed(0, number))).toEqual([true, false])
    expect(
      to.history
        .waiting(0)
        .map(({ sizeMs, columns }) => [sizeMs, columns.values[0], columns.extra[0], columns.status[0]]),
    ).toEqual([
      [300_000, 7, 3, live],
      [900_000, 2, 0, live],
    ])
    expect(to.history.waiting(0).map(isWaiting)).toEqual([true, true])
    expect([to.extraOf(300_000, 1, 7), to.extraOf(900_000, 1, 3), to.extraOf(300_000, 1, 8)]).toEqual([-2, 4, 0])
    expect(image(to.history)).toEqual(image(from.history))
  })

  it.each(images)('of $of leaves nothing of a symbol that has neither seals nor windows any more', ({ full }) => {
    const { history } = create()
    history.seal(1, 5, 9)
    history.wait(1, waitingWindow(300_000, 7, 3))
    const other = create().history
    readInto(other, image(history))
    expect(other.isEmpty).toBe(false)
    history.take(1, 300_000, 7)
    history.seals(1)?.forget(() => true)
    history.note(1)
    readInto(other, image(history, full))
    expect([...image(history, full)]).toEqual(nothing)
    expect(history.isEmpty).toBe(true)
    if (full) return
    expect([...image(other)]).toEqual(nothing)
    expect(other.isEmpty).toBe(true)
  })
})

it('an image of what changed holds what did so since the last image', () => {
  const { history } = create()
  history.seal(0, 1, 2)
  history.seal(1, 1, 2)
  image(history)
  expect([...image(history, false)]).toEqual(nothing)
  for (const change of [
    () => history.seal(1, 3, 4),
    () => history.wait(1, waitingWindow(300_000, 7, 3)),
    () => history.take(1, 300_000, 7),
    () => history.note(1),
  ]) {
    change()
    const other = create().history
    readInto(other, image(history, false))
    expect(sealsOf(other, 0)).toEqual([])
    expect(sealsOf(other, 1)).toEqual(sealsOf(history, 1))
    expect(other.waiting(1)).toHaveLength(history.waiting(1).length)
    expect([...image(history, false)]).toEqual(nothing)
  }
})

describe('a revision above the trades', () => {
  it('of a live window is in every full image, wherever it stands in its ring', () => {
    for (const sizeMs of [300_000, 900_000])
      for (const s of [0, 1, 2])
        for (const number of [6, 7]) {
          const from = create()
          const to = create()
          from.put(sizeMs, s, number, 5)
          for (const one of [0, 1, 2]) for (const other of sizes) to.put(other, one, number, 0)
          readInto(to.history, image(from.history))
          for (const one of [0, 1, 2])
            for (const other of sizes)
              expect(to.extraOf(other, one, number)).toBe(other === sizeMs && one === s ? 5 : 0)
          expect(to.history.isEmpty).toBe(true)
        }
  })
  it('of a window that is gone is in none, and is given to none', () => {
    const from = create()
    from.put(300_000, 1, 7, 5, 0)
    expect([...image(from.history)]).toEqual(nothing)
    from.put(300_000, 1, 7, 5)
    const to = create()
    to.put(300_000, 1, 7, 0, 0)
    readInto(to.history, image(from.history))
    expect(to.extraOf(300_000, 1, 7)).toBe(0)
    to.put(300_000, 1, 7 + to.ringOf(300_000).places, 0)
    readInto(to.history, image(from.history))
    expect(to.extraOf(300_000, 1, 7)).toBe(0)
  })
  it('is over with the next image of its symbol that has none, and of no other symbol', () => {
    const from = create()
    const to = create()
    for (const one of [from, to])
      for (const s of [0, 1, 2]) for (const sizeMs of sizes) for (const number of [6, 7]) one.put(sizeMs, s, number, 5)
    for (const sizeMs of sizes) for (const number of [6, 7]) from.put(sizeMs, 1, number, 0)
    from.history.note(1)
    readInto(to.history, image(from.history, false))
    for (const s of [0, 1, 2])
      for (const sizeMs of sizes)
        for (const number of [6, 7]) expect(to.extraOf(sizeMs, s, number)).toBe(s === 1 ? 0 : 5)
  })
})

it('a waiting window is taken by its size and number, and the others stay', () => {
  const { history } = create()
  const windows = [waitingWindow(300_000, 7, 0), waitingWindow(900_000, 7, 0), waitingWindow(300_000, 8, 0)]
  for (const window of windows) history.wait(1, window)
  expect(history.take(0, 300_000, 7)).toBeUndefined()
  expect(history.take(1, 900_000, 8)).toBeUndefined()
  expect(history.take(1, 300_000, 8)).toBe(windows[2])
  expect(history.take(1, 300_000, 8)).toBeUndefined()
  expect(history.waiting(1)).toEqual([windows[0], windows[1]])
})

it('a window is alive where its place holds it, and it has a status', () => {
  const { put, ringOf } = create()
  const ring = ringOf(300_000)
  put(300_000, 1, 7, 0)
  const there = placeOf(ring, 1, 7)
  expect([aliveAt(ring, 1, 7), aliveAt(ring, 0, 7), aliveAt(ring, 1, 7 + ring.places)]).toEqual([
    there,
    undefined,
    undefined,
  ])
  put(300_000, 1, 7, 0, 0)
  expect(aliveAt(ring, 1, 7)).toBeUndefined()
})

it('the rings of live windows are none that wait', () => {
  const { rings } = create()
  expect(rings.map(isWaiting)).toEqual([false, false, false])
})

it('symbols of an image have their places before their windows are read', () => {
  const { history } = create()
  history.seal(2, 1, 2)
  const ensured: number[] = []
  create().history.read(createByteReader(image(history)), (s) => ensured.push(s))
  expect(ensured).toEqual([2])
})
