import { describe, expect, it } from 'vitest'
import type { HistorySegment } from '../../schemas/history.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { createRun, heartbeat, minute, stored, tick, trade, tradesOf } from '../../test/history-run.ts'

const day = 1440 * minute
const at = 3 * day
/** All of the minutes `from` to `to` (exclusive) from `at`, with a trade in each. */
const brought = (from: number, to = from + 1): HistorySegment =>
  tradesOf(
    at + from * minute,
    at + to * minute,
    Array.from({ length: to - from }, (_, n) => trade({ eventTime: at + (from + n) * minute + 5 })),
  )
const on = (minutes: number, ms: number): LogEntry => ({
  tick: tick({ eventTime: at + minutes * minute + ms, tradeId: minutes * 100_000 + ms }),
})
const move: LogEntry = { control: { kind: 'move', line: 'other', symbol: 'A' } }
const begins = heartbeat(at - 3 * day, at + 10_000)
/** The line is blind in minute 0, from 10 s to 20 s. */
const blindFirst = [begins, on(0, 1000), heartbeat(at + 20_000, at + 25_000)]
/** The line began within minute 0. */
const headFirst = [heartbeat(at + 500, at + 10_000), on(0, 1000)]

const blind = { fill: 'blind', partial: true } as const
const partial = { fill: 'traded', partial: true } as const
const whole = { fill: 'traded', partial: false } as const

/** Flags of the five minutes at `at` after commits of what comes. */
function flagsAfter(entries: readonly LogEntry[], ...markers: (readonly HistorySegment[])[]) {
  const run = createRun()
  run.feed(...entries)
  run.commit()
  for (const segments of markers) {
    run.mark(segments)
    run.commit()
  }
  return {
    closed: run.row(300, at),
    open: run.pipeline.openCandles('A', 300).find(({ start }) => start === at),
    hour: run.pipeline.openCandles('A', 3600).find(({ start }) => start === at),
  }
}

describe('five minutes that are closed, of which history replaces one', () => {
  // Minute 4 is alive at the marker, minutes 0 to 2 are rows only.
  const fired = [on(3, 1000), on(4, 1000), on(5, 10_000)]
  const blindFourth = [begins, on(0, 1000), heartbeat(at + 3 * minute, at + 3 * minute + 1000), on(3, 1000)]
  const inFourth = [begins, heartbeat(at + 10_000, at + 3 * minute + 10_000), on(0, 1000), on(3, 1000)]
  it.each([
    { name: 'blind in another', entries: [...blindFirst, ...fired], segments: [brought(3)], flags: blind },
    { name: 'blind in this', entries: [...blindFirst, ...fired], segments: [brought(0)], flags: whole },
    { name: 'begun in another', entries: [...headFirst, ...fired], segments: [brought(3)], flags: partial },
    { name: 'begun in this', entries: [...headFirst, ...fired], segments: [brought(0)], flags: whole },
    { name: 'blind in another, moved', entries: [...blindFirst, ...fired, move], segments: [brought(3)], flags: blind },
    { name: 'blind in this, moved', entries: [...blindFirst, ...fired, move], segments: [brought(0)], flags: whole },
    {
      name: 'begun in another, moved',
      entries: [...headFirst, ...fired, move],
      segments: [brought(3)],
      flags: partial,
    },
    { name: 'begun in this, moved', entries: [...headFirst, ...fired, move], segments: [brought(0)], flags: whole },
    {
      name: 'blind in a live one, moved',
      entries: [...inFourth, heartbeat(at + 3 * minute + 20_000, at + 5 * minute), on(4, 1000), on(5, 10_000), move],
      segments: [brought(4)],
      flags: blind,
    },
    {
      name: 'blind in the live one that is replaced, moved',
      entries: [...inFourth, heartbeat(at + 3 * minute + 20_000, at + 5 * minute), on(4, 1000), on(5, 10_000), move],
      segments: [brought(3)],
      flags: whole,
    },
    {
      name: 'begun in a live one, moved',
      entries: [heartbeat(at + 3 * minute + 500, at + 4 * minute), on(3, 1000), on(4, 1000), on(5, 10_000), move],
      segments: [brought(4)],
      flags: partial,
    },
    {
      name: 'blind in minutes without trades',
      entries: [...blindFourth, on(4, 1000), on(5, 10_000)],
      segments: [brought(0, 3)],
      flags: whole,
    },
    {
      name: 'blind in minutes in which nothing traded',
      entries: [
        begins,
        heartbeat(at + 10_000, at + minute),
        on(0, 1000),
        heartbeat(at + 3 * minute, at + 4 * minute),
      ].concat([on(3, 1000), on(4, 1000), on(5, 10_000)]),
      segments: [tradesOf(at + minute, at + 3 * minute, [])],
      flags: whole,
    },
    {
      name: 'blind in more minutes without trades',
      entries: [...blindFourth, on(4, 1000), on(5, 10_000)],
      segments: [brought(0, 2)],
      flags: blind,
    },
    {
      name: 'blind before them',
      entries: [begins, heartbeat(at - 1, at), ...fired],
      segments: [brought(3)],
      flags: whole,
    },
  ])('are $flags where they were $name', ({ entries, segments, flags }) => {
    expect(flagsAfter(entries, segments).closed).toMatchObject({ ...flags, closedBy: 'watermark' })
  })
})

describe('an open hour, of which history replaces a minute', () => {
  const later = on(7, 0)
  it.each([
    { name: 'blind in another', entries: [...blindFirst, later], segments: [brought(1)], flags: partial },
    { name: 'blind in this', entries: [...blindFirst, later], segments: [brought(0)], flags: whole },
    { name: 'begun in another', entries: [...headFirst, later], segments: [brought(1)], flags: partial },
    { name: 'begun in this', entries: [...headFirst, later], segments: [brought(0)], flags: whole },
  ])('is $flags where it was $name', ({ entries, segments, flags }) => {
    expect(flagsAfter(entries, segments).hour).toMatchObject(flags)
  })
  it('is blind when it closes, and whole when that was replaced', () => {
    for (const { replaced, flags } of [
      { replaced: 1, flags: blind },
      { replaced: 0, flags: whole },
    ]) {
      const run = createRun()
      run.feed(...blindFirst, later)
      run.commit()
      run.mark([brought(replaced)])
      run.feed(on(70, 0))
      run.commit()
      expect(run.row(3600, at)).toMatchObject(flags)
    }
  })
})

describe('a row of five minutes that is blind for a cause that nobody knows any more', () => {
  const five = stored(300, at, { ...blind, closedBy: 'idle', firstTradeId: 3, lastTradeId: 4 })
  const after = (
    rows: readonly Parameters<typeof stored>[2][],
    markers: readonly HistorySegment[][],
    entries = [on(90, 0)],
  ) => {
    const run = createRun()
    run.put(five, ...rows.map((over, n) => stored(60, at + n * minute, { closedBy: 'idle', firstTradeId: 3, ...over })))
    run.feed(...entries)
    run.commit()
    for (const segments of markers) {
      run.mark(segments)
      run.commit()
    }
    return run.row(300, at)
  }
  it.each([
    { name: 'stays so when a part is replaced', rows: [], markers: [[brought(0, 4)]], flags: blind },
    { name: 'is whole when all is replaced', rows: [], markers: [[brought(0, 5)]], flags: whole },
    { name: 'is whole when all is, in segments', rows: [], markers: [[brought(0, 2), brought(2, 5)]], flags: whole },
    { name: 'is whole when the minute is that was blind', rows: [blind], markers: [[brought(0)]], flags: whole },
    { name: 'stays so while another minute is blind', rows: [blind, blind], markers: [[brought(0)]], flags: blind },
    { name: 'stays so where minutes are whole', rows: [{}, {}], markers: [[brought(0)]], flags: blind },
  ])('$name', ({ rows, markers, flags }) => {
    expect(after(rows, markers)).toMatchObject({ ...flags, closedBy: 'history', revision: 8 })
  })
  it('is whole when what was not replaced is settled', () => {
    expect(after([], [[brought(0, 2)], [brought(2, 5)]], [])).toMatchObject(whole)
  })
  it('is whole when a part was replaced, and partial where a minute is', () => {
    const rows = [{ partial: true }, {}]
    const over = stored(300, at, { partial: true, closedBy: 'idle', firstTradeId: 3 })
    const run = createRun()
    run.put(over, ...rows.map((one, n) => stored(60, at + n * minute, { closedBy: 'idle', firstTradeId: 3, ...one })))
    run.feed(on(90, 0))
    run.commit()
    run.mark([brought(1)])
    run.commit()
    expect(run.row(300, at)).toMatchObject(partial)
    run.mark([brought(0)])
    run.commit()
    expect(run.row(300, at)).toMatchObject(whole)
  })
})
