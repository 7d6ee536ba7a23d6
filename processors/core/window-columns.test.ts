import { describe, expect, it } from 'vitest'
import { createByteReader, createByteWriter } from './byte-buffer.ts'
import {
  copyWindow,
  createWindowColumns,
  windowField as field,
  growWindowColumns,
  isBefore,
  mergeWindow,
  putWindow,
  readWindow,
  resetWindow,
  type WindowColumns,
  windowNumber,
  windowStatus,
  windowWidth,
  writeWindow,
} from './window-columns.ts'

type Values = Partial<Record<keyof typeof field, number>>

const given: Values = {
  ...{ number: 5, open: 10, high: 12, low: 8, close: 11 },
  ...{ openTime: 100, openSequence: 7, openId: 70, closeTime: 200, closeSequence: 9, closeId: 90 },
  ...{ volume: 3, volumeLow: 0, quoteVolume: 30, quoteVolumeLow: 0, buyVolume: 2, buyVolumeLow: 0, trades: 4 },
}
/** Windows whose numbers are those `given`, but for some. */
function columnsOf(...windows: readonly Values[]): WindowColumns {
  const columns = createWindowColumns(windows.length)
  for (const [k, over] of windows.entries())
    for (const [name, value] of Object.entries({ ...given, ...over }))
      columns.values[k * windowWidth + Reflect.get(field, name)] = value
  return columns
}
const valuesOf = ({ values }: WindowColumns, k: number): Values =>
  Object.fromEntries(Object.entries(field).map(([name, at]) => [name, values[k * windowWidth + at]]))
/** What the second window makes of the first. */
function merged(from: Values, into: Values = {}): Values {
  const columns = columnsOf(into, from)
  mergeWindow(columns, 0, columns, 1)
  expect(valuesOf(columns, 1), 'what is merged is not changed').toEqual({ ...given, ...from })
  return valuesOf(columns, 0)
}
const openOf = ({ open, openTime, openSequence, openId }: Values): unknown => [open, openTime, openSequence, openId]
const closeOf = ({ close, closeTime, closeSequence, closeId }: Values): unknown => [
  ...[close, closeTime, closeSequence, closeId],
]

it('a window has as many numbers as there are fields', () => {
  expect(Object.values(field)).toEqual(Array.from({ length: windowWidth }, (_, i) => i))
})

it('windows keep their places when there is room for more, and room at least doubles', () => {
  const columns = columnsOf({ number: 1 }, { number: 2 }, { number: 3 })
  columns.status.set([1, 2, 3])
  columns.closedBy.set([3, 2, 1])
  columns.extra.set([7, 8, 9])
  growWindowColumns(columns, 4)
  expect([...columns.extra]).toEqual([7, 8, 9, 0, 0, 0])
  expect(columns.status).toHaveLength(6)
  expect(columns.values).toHaveLength(6 * windowWidth)
  expect([0, 1, 2].map((k) => windowNumber(columns, k))).toEqual([1, 2, 3])
  expect([...columns.status, ...columns.closedBy]).toEqual([1, 2, 3, 0, 0, 0, 3, 2, 1, 0, 0, 0])
  growWindowColumns(columns, 20)
  expect(columns.closedBy).toHaveLength(20)
})

it.each([
  { name: 'an earlier time', a: [1, 9, 9], b: [2, 0, 0], before: true },
  { name: 'a later time', a: [2, 0, 0], b: [1, 9, 9], before: false },
  { name: 'at one time a smaller sequence', a: [1, 1, 9], b: [1, 2, 0], before: true },
  { name: 'at one time a greater sequence', a: [1, 2, 0], b: [1, 1, 9], before: false },
  { name: 'at one time and sequence a smaller id', a: [1, 1, 1], b: [1, 1, 2], before: true },
  { name: 'at one time and sequence a greater id', a: [1, 1, 2], b: [1, 1, 1], before: false },
  { name: 'the same', a: [1, 1, 1], b: [1, 1, 1], before: false },
] as const)(
  '$name is before: $before',
  ({ a: [time, sequence, id], b: [otherTime, otherSequence, otherId], before }) => {
    expect(isBefore(time, sequence, id, otherTime, otherSequence, otherId)).toBe(before)
  },
)

describe('a window that is merged into another', () => {
  it('is taken whole where there was none, but for its number', () => {
    const from = { number: 9, volumeLow: 1e-17, quoteVolumeLow: 2e-17, buyVolumeLow: 3e-17 }
    expect(merged(from, { number: 5, trades: 0, open: 1, high: 1000, volume: 55 })).toEqual({
      ...given,
      ...from,
      number: 5,
    })
  })
  it('changes nothing when it is empty', () => {
    expect(merged({ trades: 0, openTime: 0, closeTime: 1000, high: 1000, volume: 9 })).toEqual(given)
  })
  it.each<{ name: string; from: Values }>([
    { name: 'by time', from: { open: 1, openTime: 99, openSequence: 99, openId: 99 } },
    { name: 'by sequence', from: { open: 1, openTime: 100, openSequence: 6, openId: 99 } },
    { name: 'by id', from: { open: 1, openTime: 100, openSequence: 7, openId: 69 } },
  ])('opens it when it begins before, $name', ({ from }) => {
    expect(openOf(merged(from))).toEqual(openOf(from))
    expect(openOf(merged({}, from))).toEqual(openOf(from))
  })
  it.each<{ name: string; from: Values }>([
    { name: 'by time', from: { close: 1, closeTime: 201, closeSequence: 0, closeId: 0 } },
    { name: 'by sequence', from: { close: 1, closeTime: 200, closeSequence: 10, closeId: 0 } },
    { name: 'by id', from: { close: 1, closeTime: 200, closeSequence: 9, closeId: 91 } },
  ])('closes it when it ends behind, $name', ({ from }) => {
    expect(closeOf(merged(from))).toEqual(closeOf(from))
    expect(closeOf(merged({}, from))).toEqual(closeOf(from))
  })
  it('raises its high and lowers its low, and does not do the contrary', () => {
    expect(merged({ high: 13, low: 7 })).toMatchObject({ high: 13, low: 7 })
    expect(merged({ high: 11, low: 9 })).toMatchObject({ high: 12, low: 8 })
  })
  it('adds its trades and sums', () => {
    expect(merged({ volume: 5, quoteVolume: 50, buyVolume: 1, trades: 2 })).toMatchObject({
      ...{ volume: 8, quoteVolume: 80, buyVolume: 3, trades: 6 },
      ...{ volumeLow: 0, quoteVolumeLow: 0, buyVolumeLow: 0 },
    })
  })
  it.each(['volume', 'quoteVolume', 'buyVolume'] as const)('adds its %s with what rounding left', (name) => {
    const low = `${name}Low` as const
    const sum = merged({ [name]: 1, [low]: 2 ** -60 }, { [name]: 2 ** 53, [low]: 0.25 })
    // 2^53 + 0.25 + 1 + 2^-60: a double holds even numbers only here.
    expect([sum[name], sum[low]]).toEqual([2 ** 53 + 2, 1.25 - 2])
  })
})

it('a window is emptied between its neighbours: any price is above its high and below its low', () => {
  const columns = columnsOf({}, {}, {})
  columns.closedBy.fill(2)
  columns.extra.fill(4)
  resetWindow(columns, 1, 77, windowStatus.live)
  expect([...columns.extra]).toEqual([4, 0, 4])
  expect(valuesOf(columns, 0)).toEqual(given)
  expect(valuesOf(columns, 2)).toEqual(given)
  expect([...columns.status, ...columns.closedBy]).toEqual([0, windowStatus.live, 0, 2, 0, 2])
  const empty = Object.fromEntries(Object.keys(field).map((name) => [name, 0]))
  const none = { high: -Infinity, closeTime: -Infinity, low: Infinity, openTime: Infinity }
  expect(valuesOf(columns, 1)).toEqual({ ...empty, number: 77, ...none })
})

it('a window is read back at any place, without what is of one process alone', () => {
  const { live, fired, published, changed, fresh, blind } = windowStatus
  const columns = columnsOf({}, { number: 8, volumeLow: 1e-20 })
  columns.status[1] = live | fired | published | changed | fresh | blind
  columns.closedBy[1] = 2
  const writer = createByteWriter()
  writeWindow(writer, columns, 1)
  const other = createWindowColumns(4)
  putWindow(other, 2, readWindow(createByteReader(writer.finish())))
  expect(valuesOf(other, 2)).toEqual({ ...given, number: 8, volumeLow: 1e-20 })
  expect([...other.status]).toEqual([0, 0, live | fired | published | blind, 0])
  expect([...other.closedBy]).toEqual([0, 0, 2, 0])
})

it('of a window without ticks only the number is written', () => {
  const { live, blind, fired } = windowStatus
  const columns = columnsOf({}, {})
  resetWindow(columns, 1, -7, live | blind | fired)
  columns.closedBy[1] = 2
  const writer = createByteWriter()
  writeWindow(writer, columns, 1)
  expect(writer.length).toBe(2 + 8)
  const other = createWindowColumns(4)
  putWindow(other, 2, readWindow(createByteReader(writer.finish())))
  expect(valuesOf(other, 2)).toEqual(valuesOf(columns, 1))
  expect([...other.status, ...other.closedBy]).toEqual([0, 0, live | blind | fired, 0, 0, 0, 2, 0])
})

it('a window is copied whole, to any place, and its neighbours stay', () => {
  const from = columnsOf({}, { number: 8, volumeLow: 1e-20 })
  from.status.set([1, windowStatus.live | windowStatus.fresh])
  from.closedBy.set([1, 2])
  from.extra.set([1, 3])
  const to = columnsOf({ number: 1 }, { number: 2 }, { number: 3 }, { number: 4 })
  copyWindow(to, 2, from, 1)
  expect([0, 1, 3].map((k) => valuesOf(to, k))).toEqual([1, 2, 4].map((number) => ({ ...given, number })))
  expect(valuesOf(to, 2)).toEqual({ ...given, number: 8, volumeLow: 1e-20 })
  expect([...to.status]).toEqual([0, 0, windowStatus.live | windowStatus.fresh, 0])
  expect([...to.closedBy, ...to.extra]).toEqual([0, 0, 2, 0, 0, 0, 3, 0])
})
