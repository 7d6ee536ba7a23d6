import { describe, expect, it } from 'vitest'
import { verdict } from '../../schemas/columns.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { end, fed, heartbeat, minute, minutesOf, move, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type TestPipeline } from '../../test/pipeline.ts'

const day = 1440 * minute
/** Bytes of one window in state: status, what closed it, and its 18 numbers. */
const windowBytes = 2 + 18 * 8
/** Of one without ticks: its number alone. */
const emptyBytes = 2 + 8
/** What a symbol's state loses when its minute is merged into its six roll-ups for good, which were empty. */
const mergedBytes = windowBytes - 6 * (windowBytes - emptyBytes)
const stateBytes = (pipeline: TestPipeline): number => pipeline.barrier(true).state.get('candles')?.length ?? 0

describe('a window is closed by its watermark', () => {
  it.each([
    { name: 'not a ms before its last instant', at: 60_499, finals: [] },
    { name: 'at its last instant', at: 60_500, finals: [['final', 'A', 0, 1, 'watermark']] },
  ])('$name, by a tick of a window that is open already', ({ at, finals }) => {
    expect(minutesOf(fed(tick(0), tick(60_100), tick(at)).barrier().emitted)).toEqual(finals)
  })
  // Boundaries of lateness lie half a window off: none of them stands in for that of the window.
  it.each([
    { name: 'by the first tick that passes it', entries: [tick(0), tick(60_100), tick(60_500)] },
    { name: 'also when the watermark stood a ms before', entries: [tick(0), tick(60_499), tick(60_500)] },
  ])('at its last instant, whatever the lateness, $name', ({ entries }) => {
    const pipeline = createTestPipeline({ candles: { allowedLateness: '90s' } })
    pipeline.feed(entries)
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'watermark']])
  })
  it('for all symbols of its line, and for no other', () => {
    const pipeline = fed(
      tick(0),
      tick(0, { symbol: 'B' }),
      tick(0, { symbol: 'C', line: 'y' }),
      tick(100_000, { symbol: 'B' }),
    )
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([
      ['final', 'A', 0, 1, 'watermark'],
      ['final', 'B', 0, 1, 'watermark'],
    ])
  })
  it('at once, when its first tick comes after its time', () => {
    const pipeline = fed(tick(100_000), tick(30_000))
    expect(minutesOf(pipeline.pulse())).toEqual([['update', 'A', 1, 1, 'open']])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'watermark']])
  })
  it('at once, when its last instant is where the watermark stands', () => {
    expect(minutesOf(fed(tick(60_500), tick(30_000)).barrier().emitted)).toEqual([['final', 'A', 0, 1, 'watermark']])
  })
  it('once, and then corrected', () => {
    const pipeline = fed(tick(0), tick(100_000))
    pipeline.barrier()
    pipeline.feed([tick(160_000)])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 1, 1, 'watermark']])
    pipeline.feed([tick(1)])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['correction', 'A', 0, 2, 'watermark']])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([])
  })
})

describe('lateness is over', () => {
  it.each([
    { name: 'not a ms early', at: 180_499, late: 0 },
    { name: 'at its ms', at: 180_500, late: 1 },
  ])('$name for a tick of its window', ({ at, late }) => {
    expect(fed(tick(0), tick(at), tick(59_999)).counts).toMatchObject({ late, used: 3 - late })
  })
  it('and its batch says so of a tick', () => {
    const { columns } = createTestPipeline().feed([tick(0), tick(180_500), tick(59_999)])
    expect([...columns.verdict.subarray(0, 3)]).toEqual([verdict.undecided, verdict.undecided, verdict.late])
  })
  it.each([
    { name: 'by a tick that opens a window', before: [] },
    { name: 'by a tick of an open window', before: [tick(180_100, { symbol: 'B' })] },
  ])('for its state at the ms, $name', ({ before }) => {
    const bytesAt = (at: number): number =>
      stateBytes(fed(tick(0), tick(0, { symbol: 'B' }), ...before, tick(at, { symbol: 'B' })))
    expect(bytesAt(180_499) - bytesAt(180_500)).toBe(2 * mergedBytes)
  })
  it.each([{ before: 130_000 }, { before: 150_499 }])('for its state at the ms, after $before', ({ before }) => {
    const bytesAt = (at: number): number => {
      const pipeline = createTestPipeline({ candles: { allowedLateness: '90s' } })
      pipeline.feed([tick(0), tick(before, { symbol: 'B' }), tick(at, { symbol: 'B' })])
      return stateBytes(pipeline)
    }
    expect(bytesAt(150_499) - bytesAt(150_500)).toBe(mergedBytes)
  })
  it('in silence, if all was said', () => {
    const pipeline = fed(tick(0), tick(100_000))
    pipeline.barrier()
    pipeline.feed([tick(1_000_000, { symbol: 'B' })])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 1, 1, 'watermark']])
    pipeline.feed([tick(2_000_000, { symbol: 'B' })])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'B', 16, 1, 'watermark']])
  })
  it('and what comes then moves nothing, if it is rejected', () => {
    const pipeline = fed(tick(1_000_000), tick(0), tick(2_000_000, { price: -1 }))
    expect(pipeline.counts).toMatchObject({ used: 1, late: 1, rejected: 1 })
    expect(pipeline.barrier().emitted).toEqual([])
  })
  it('and what comes then is a duplicate only, if it is one', () => {
    const first = tick(0)
    const pipeline = fed(first, tick(400_000), tick(1), first)
    expect(pipeline.counts).toMatchObject({ used: 2, late: 1, duplicate: 1 })
  })
})

describe('a window is closed by idleness', () => {
  it('at the heartbeat that covers its end and the idle time, each in its turn', () => {
    const pipeline = fed(tick(1000), tick(2000, { symbol: 'C', line: 'y' }), heartbeat(0, 500))
    const finalsAt = (to: number): unknown[] => {
      pipeline.feed([heartbeat(to - 1, to)])
      return minutesOf(pipeline.barrier().emitted)
    }
    expect([65_499, 65_500, 65_501].map(finalsAt)).toEqual([[], [['final', 'A', 0, 1, 'idle']], []])
    pipeline.feed([tick(60_000)])
    expect([125_499, 125_500, 200_000].map(finalsAt)).toEqual([[], [['final', 'A', 1, 1, 'idle']], []])
  })
  it.each([
    { name: 'not a ms early', to: 65_499, finals: [] },
    { name: 'at its ms', to: 65_500, finals: [['final', 'A', 0, 1, 'idle']] },
  ])('at once, when its first tick comes behind: $name', ({ to, finals }) => {
    expect(minutesOf(fed(heartbeat(0, to), tick(1000)).barrier().emitted)).toEqual(finals)
  })
  it('before 1970 too', () => {
    expect(minutesOf(fed(tick(-100_000), heartbeat(-200_000, -50_000)).barrier().emitted)).toEqual([
      ['final', 'A', -2, 1, 'idle'],
    ])
  })
  it('and stays closed for later ticks, which correct it', () => {
    const pipeline = fed(tick(1000), heartbeat(0, 65_500))
    pipeline.barrier()
    pipeline.feed([tick(2000)])
    expect(pipeline.pulse()).toMatchObject(
      [300, 900, 1800, 3600, 14_400, 86_400].map((interval) => ({ kind: 'update', candle: { interval, trades: 2 } })),
    )
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['correction', 'A', 0, 2, 'idle']])
  })
  it.each([
    { name: 'far enough', to: 65_500, finals: [['final', 'A', 0, 1, 'idle']] },
    { name: 'not far enough by a ms', to: 65_499, finals: [] },
  ])('when its symbol moves to a line that is covered $name', ({ to, finals }) => {
    const pipeline = fed(heartbeat(0, to, 'y'), tick(1000), move('A', 'y'))
    expect(minutesOf(pipeline.barrier().emitted)).toEqual(finals)
  })
  it('and the updates of others are still said', () => {
    const pipeline = fed(tick(60_000), tick(0, { symbol: 'B' }), heartbeat(0, 65_500))
    expect(minutesOf(pipeline.pulse())).toEqual([['update', 'A', 1, 1, 'open']])
  })
})

describe('the end of a line', () => {
  it('closes nothing of another line', () => {
    const pipeline = fed(tick(0), tick(0, { symbol: 'B', line: 'y' }), end('y'))
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'B', 0, 1, 'end']])
  })
  it('leaves nothing for the next pulse', () => {
    expect(fed(tick(0), end()).pulse()).toEqual([])
  })
  it('is taken back from a window that is open again', () => {
    const pipeline = fed(tick(0), end())
    pipeline.barrier()
    pipeline.feed([tick(1)])
    expect(minutesOf(pipeline.pulse())).toEqual([['update', 'A', 0, 2, 'open']])
    pipeline.feed([end()])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['correction', 'A', 0, 2, 'end']])
  })
  it('does not close what was closed before it', () => {
    const pipeline = fed(tick(0), tick(100_000), end())
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([
      ['final', 'A', 0, 1, 'watermark'],
      ['final', 'A', 1, 1, 'end'],
    ])
  })
  it.each([
    { name: 'opens it again in time', at: 60_499, kind: [] },
    { name: 'does not after its time', at: 60_500, kind: [['correction', 'A', 0, 2, 'end']] },
  ])('closes a window: a tick behind $name', ({ at, kind }) => {
    const pipeline = fed(tick(0), end())
    pipeline.barrier()
    pipeline.feed([tick(at, { symbol: 'B' }), tick(1)])
    expect(minutesOf(pipeline.barrier().emitted).filter((row) => JSON.stringify(row).includes('"A"'))).toEqual(kind)
  })
})

describe('a symbol that moves', () => {
  it('to where it is stays as it is', () => {
    const pipeline = fed(tick(0), move('A', 'x'), tick(1))
    expect(minutesOf(pipeline.pulse())).toEqual([['update', 'A', 0, 2, 'open']])
  })
  it('is closed by the watermark of its new line from then on, and of its old one no more', () => {
    const pipeline = fed(tick(0), tick(0, { symbol: 'B' }), move('A', 'y'), tick(100_000, { symbol: 'B' }))
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'B', 0, 1, 'watermark']])
    pipeline.feed([tick(100_000, { symbol: 'C', line: 'y' })])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'watermark']])
  })
  it('keeps its lateness over a restart', () => {
    const first = fed(tick(1_000_000))
    const states = [first.barrier(true).state]
    first.feed([move('A', 'y')])
    states.push(first.barrier().state)
    const again = createTestPipeline({ states })
    again.feed([tick(1000, { line: 'y' })])
    expect(again.counts).toMatchObject({ late: 1, used: 0 })
  })
})

describe('open candles', () => {
  it('are those of one symbol and interval, ascending, without those that are committed', () => {
    const pipeline = fed(tick(400_000), tick(290_000), tick(370_000), tick(370_000, { symbol: 'B' }))
    const starts = (symbol: string, seconds: number): number[] =>
      pipeline.openCandles(symbol, seconds).map(({ start }) => start / minute)
    expect([starts('A', 60), starts('B', 60), starts('A', 300), starts('A', 7), starts('never', 60)]).toEqual([
      ...[[4, 6], [6], [0, 5], [], []],
    ])
    pipeline.barrier()
    expect([starts('A', 60), starts('A', 300)]).toEqual([[6], [5]])
    pipeline.feed([tick(290_001)])
    expect([starts('A', 60), starts('A', 300)]).toEqual([
      [4, 6],
      [0, 5],
    ])
  })
})

it('windows are blind where they overlap a gap of coverage, and those beside them are not', () => {
  const pipeline = fed(heartbeat(0, 301_000), heartbeat(359_000, 360_000), heartbeat(360_000, 361_000))
  for (const n of [4, 5, 6]) pipeline.feed([tick(n * minute), tick(n * minute + 59_999)])
  pipeline.feed([tick(10 * minute + 500)])
  const { emitted } = pipeline.barrier()
  const found = emitted.map(({ candle }) => [candle.interval, candle.start / minute, candle.fill, candle.partial])
  expect(found).toEqual([
    [60, 4, 'traded', false],
    [60, 5, 'blind', true],
    [60, 6, 'traded', false],
    [300, 0, 'traded', false],
    [300, 5, 'blind', true],
  ])
})

describe('the state of a commit', () => {
  it('holds a symbol once, however often it changed', () => {
    const pipeline = fed(tick(0), tick(60_000), tick(120_000), move('A', 'y'), end('y'), tick(1, { line: 'y' }))
    const changes = pipeline.barrier().state.get('candles')
    expect(changes).toEqual(pipeline.barrier(true).state.get('candles'))
    pipeline.feed([tick(121_000, { line: 'y' }), tick(180_000, { line: 'y' }), tick(240_000, { line: 'y' })])
    const more = pipeline.barrier().state.get('candles')
    expect(more).toEqual(pipeline.barrier(true).state.get('candles'))
  })
  it('holds what changed since the last one, and no more', () => {
    const pipeline = fed(tick(0), tick(0, { symbol: 'B' }))
    const first = pipeline.barrier(true).state
    const nothing = pipeline.barrier().state.get('candles')?.length ?? 0
    pipeline.feed([tick(1)])
    const second = pipeline.barrier().state
    // A symbol's name, its line, its floor, its minute, and its six roll-ups, in which nothing is yet.
    expect((second.get('candles')?.length ?? 0) - nothing).toBeGreaterThan(windowBytes + 6 * emptyBytes)
    expect((second.get('candles')?.length ?? 0) - nothing).toBeLessThan(2 * windowBytes + 6 * emptyBytes)
    const again = createTestPipeline({ states: [first, second] })
    again.feed([tick(100_000)])
    expect(minutesOf(again.barrier().emitted)).toEqual([
      ['final', 'A', 0, 2, 'watermark'],
      ['final', 'B', 0, 1, 'watermark'],
    ])
  })
  it('holds a symbol whose window was closed, or forgotten, by another', () => {
    const pipeline = fed(tick(0), tick(0, { symbol: 'B' }))
    const states = [pipeline.barrier(true).state]
    for (const at of [100_000, 200_000, 2 * day]) {
      pipeline.feed([tick(at, { symbol: 'B' })])
      states.push(pipeline.barrier().state)
      const full = pipeline.barrier(true).state.get('candles')
      expect(createTestPipeline({ states }).barrier(true).state.get('candles')).toEqual(full)
    }
  })
  it('holds a symbol that has only moved', () => {
    const pipeline = fed(tick(0))
    const states = [pipeline.barrier(true).state]
    pipeline.feed([move('A', 'y')])
    states.push(pipeline.barrier().state)
    const again = createTestPipeline({ states })
    again.feed([tick(100_000, { symbol: 'B', line: 'y' })])
    expect(minutesOf(again.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'watermark']])
  })
  it('is taken up with covered time: the next heartbeat closes what it would have closed', () => {
    const states = [fed(tick(1000), heartbeat(0, 60_000)).barrier(true).state]
    const again = createTestPipeline({ states })
    again.feed([heartbeat(60_000, 65_499)])
    expect(again.barrier().emitted).toEqual([])
    again.feed([heartbeat(65_499, 65_500)])
    expect(minutesOf(again.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'idle']])
  })
})

it('a move of a symbol that had no tick yet tells nothing of it', () => {
  const pipeline = fed(tick(0, { symbol: 'B', line: 'y' }), heartbeat(0, 10_000, 'y'), move('A', 'y'))
  pipeline.feed([heartbeat(20_000, 30_000, 'y')])
  expect(pipeline.coverage).toEqual([{ symbol: 'B', from: 10_000, to: 20_000, kind: 'blind' }])
})

it.each<{ name: string; entry: LogEntry }>([
  {
    name: 'a refused record',
    entry: {
      control: {
        ...{ kind: 'reject', line: 'x', source: 'file', position: 1, reason: 'BAD_ROW', detail: 'bad', payload: '' },
      },
    },
  },
  { name: 'a release', entry: { control: { kind: 'release', line: 'x', symbol: 'A' } } },
])('$name says nothing of time: its line goes on', ({ entry }) => {
  const pipeline = fed(tick(0), heartbeat(0, 30_000), entry, heartbeat(40_000, 100_000))
  expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'idle']])
  expect(pipeline.coverage).toEqual([{ symbol: 'A', from: 30_000, to: 40_000, kind: 'blind' }])
})

it('a symbol that had no tick has no open candle', () => {
  const pipeline = fed(tick(0))
  for (let i = 0; i < 200; i++) expect(pipeline.openCandles(`Z${i}`, 60)).toEqual([])
})

it('a window that the end of its line closed, and a tick opened again, is corrected by what it comes to', () => {
  const pipeline = fed(tick(0), end(), tick(1))
  expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'A', 0, 1, 'end']])
  pipeline.feed([tick(100_000)])
  expect(minutesOf(pipeline.barrier().emitted)).toEqual([['correction', 'A', 0, 2, 'watermark']])
})

it('many symbols and lines find their places', () => {
  const names = Array.from({ length: 100 }, (_, i) => `S${i}`)
  const pipeline = fed(...names.map((symbol, i) => tick(i, { symbol, line: `line-${i}` })))
  expect(minutesOf(pipeline.pulse())).toEqual(names.map((symbol) => ['update', symbol, 0, 1, 'open']))
  pipeline.feed(names.map((_, i) => end(`line-${i}`)))
  expect(minutesOf(pipeline.barrier().emitted)).toEqual(names.map((symbol) => ['final', symbol, 0, 1, 'end']))
})

it('a longer candle is partial when one of its minutes is, whatever line it closes on', () => {
  // The minute is blind on x; the symbol moves to y, which was never blind.
  const states = (atOnce: boolean) => {
    const pipeline = fed(tick(0), tick(0, { symbol: 'B', line: 'y' }), heartbeat(0, 10_000), heartbeat(40_000, 100_000))
    if (!atOnce) pipeline.barrier()
    pipeline.feed([move('A', 'y'), tick(400_000, { symbol: 'B', line: 'y' })])
    return pipeline.barrier().emitted.filter(({ candle }) => candle.symbol === 'A' && candle.interval === 300)
  }
  for (const atOnce of [true, false])
    expect(states(atOnce).map(({ candle }) => [candle.fill, candle.partial])).toEqual([['traded', true]])
})
