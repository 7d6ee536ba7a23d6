import { describe, expect, it } from 'vitest'
import { Interner } from '../../schemas/interner.ts'
import { createByteReader, createByteWriter } from './byte-buffer.ts'
import { createLineClock, type LineClock, lineGapsMax } from './line-clock.ts'
import { createSymbolIndex } from './symbol-index.ts'

function createClock(...names: readonly string[]): LineClock {
  const lines = createSymbolIndex(new Interner())
  for (const name of names) lines.localOfName(name)
  return createLineClock(lines)
}
/** Whether the clock knows of a gap in `[start, end)`; what lies before the first heartbeat is none. */
const isBlind = (clock: LineClock, line: number, start: number, end: number): boolean =>
  clock.gaps(line).some(({ from, to }) => from !== Number.NEGATIVE_INFINITY && from < end && to > start)
/** The first times of these at which a line was blind. */
const blindAt = (clock: LineClock, line: number, times: readonly number[]): number[] =>
  times.filter((time) => isBlind(clock, line, time, time + 1))

describe('the clock of a line', () => {
  it('has no time before something has come', () => {
    const clock = createClock('x')
    expect(clock.coveredTo(0)).toBe(Number.NEGATIVE_INFINITY)
    clock.ensure(1)
    expect([clock.coveredTo(0), clock.watermark[0]]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])
  })
  it('keeps watermarks when there are more lines', () => {
    const clock = createClock('x')
    clock.ensure(1)
    clock.watermark[0] = 7
    clock.heartbeat(0, 0, 10)
    clock.ensure(1000)
    expect([clock.watermark[0], clock.watermark[999], clock.coveredTo(0), clock.coveredTo(999)]).toEqual([
      ...[7, Number.NEGATIVE_INFINITY],
      ...[10, Number.NEGATIVE_INFINITY],
    ])
    const before = clock.watermark
    clock.ensure(1000)
    clock.ensure(1)
    expect(clock.watermark).toBe(before)
  })
  it('covers more by each heartbeat that ends behind the last', () => {
    const clock = createClock('x', 'y')
    expect([
      clock.heartbeat(1, 0, 10),
      clock.heartbeat(1, 0, 10),
      clock.heartbeat(1, 5, 9),
      clock.heartbeat(1, 10, 11),
    ]).toEqual([true, false, false, true])
    expect([clock.coveredTo(0), clock.coveredTo(1)]).toEqual([Number.NEGATIVE_INFINITY, 11])
  })
  it('is blind between heartbeats that do not adjoin', () => {
    const clock = createClock('x')
    clock.heartbeat(0, 0, 10)
    clock.heartbeat(0, 10, 20)
    clock.heartbeat(0, 22, 30)
    clock.heartbeat(0, 15, 40)
    expect(blindAt(clock, 0, [0, 9, 10, 19, 20, 21, 22, 30, 39])).toEqual([20, 21])
    expect([
      isBlind(clock, 0, 0, 20),
      isBlind(clock, 0, 0, 21),
      isBlind(clock, 0, 21, 50),
      isBlind(clock, 0, 22, 50),
    ]).toEqual([false, true, true, false])
    expect(isBlind(clock, 1, 0, 50)).toBe(false)
  })
  it('remembers the youngest of many gaps', () => {
    const clock = createClock('x')
    for (let n = 0; n <= lineGapsMax; n++) clock.heartbeat(0, n * 10, n * 10 + 5)
    expect([
      isBlind(clock, 0, 5, 6),
      isBlind(clock, 0, (lineGapsMax - 1) * 10 + 5, (lineGapsMax - 1) * 10 + 6),
    ]).toEqual([true, true])
    clock.heartbeat(0, (lineGapsMax + 1) * 10, (lineGapsMax + 1) * 10 + 5)
    expect([isBlind(clock, 0, 5, 6), isBlind(clock, 0, 15, 16)]).toEqual([false, true])
  })
  it('is read back by the names of its lines, with all it knows', () => {
    const clock = createClock('x', 'y', 'never')
    clock.ensure(2)
    clock.watermark[1] = 33
    clock.heartbeat(0, 0, 10)
    clock.heartbeat(0, 12, 20)
    clock.heartbeat(0, 30, 40)
    const writer = createByteWriter()
    clock.write(writer)
    const bytes = writer.finish()
    const again = createClock('other', 'y', 'x')
    again.heartbeat(1, 0, 1)
    again.heartbeat(1, 5, 6)
    again.read(createByteReader(bytes))
    expect([...again.watermark.subarray(0, 3)]).toEqual([...[Number.NEGATIVE_INFINITY, 33], Number.NEGATIVE_INFINITY])
    expect([again.coveredTo(1), again.coveredTo(2)]).toEqual([Number.NEGATIVE_INFINITY, 40])
    expect(blindAt(again, 2, [9, 10, 11, 12, 19, 20, 29, 30])).toEqual([10, 11, 20, 29])
    expect(blindAt(again, 1, [2, 4])).toEqual([])
  })
  it('is read into a clock that knew nothing', () => {
    const clock = createClock('x')
    clock.ensure(1)
    clock.watermark[0] = 33
    clock.heartbeat(0, 0, 10)
    const writer = createByteWriter()
    clock.write(writer)
    const again = createClock('x')
    again.read(createByteReader(writer.finish()))
    expect([again.watermark[0], again.coveredTo(0)]).toEqual([33, 10])
  })
})
