import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/property-runs.ts'
import { at, barrier, pulse, record, said, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { type Bar, type BarTrade, barAggregate } from '../core/bars.ts'
import { createByteReader, createByteWriter } from '../core/byte-buffer.ts'
import { toBars } from './to-bars.ts'

const runs = propertyRuns(200)

const trade = (tradeId: number, size: number, price: number, side: BarTrade['side'] = 'buy'): BarTrade => ({
  ...{ tradeId, size, price, side },
})
const given = {
  a: record('k', 3, trade(1, 0.5, 100)),
  b: record('k', 4, trade(2, 0.75, 101, 'sell')),
  c: record('k', 9, trade(3, 0.2, 99)),
  w: watermark(1000),
}
const barOf = (value: Partial<Bar>): Bar => ({
  ...{ open: 100, high: 100, low: 100, close: 100, volume: 0, volumeLow: 0, quoteVolume: 0, quoteVolumeLow: 0 },
  ...{ buyVolume: 0, buyVolumeLow: 0, trades: 1, firstTradeId: 1, lastTradeId: 1 },
  ...value,
})

describe('toBars', () => {
  it('ends a volume bar with the trade that fills it, whole', () => {
    const flow = driveFlow(toBars('bars', { by: 'volume', size: 1 }))
    expect(flow.push(given.a, given.w)).toEqual([given.w])
    const bar = barOf({
      ...{ high: 101, close: 101, volume: 1.25, quoteVolume: 125.75 },
      ...{ buyVolume: 0.5, trades: 2, lastTradeId: 2 },
    })
    expect(flow.push(given.b)).toEqual([at(1, said('final', 'k', [3, 5], bar, 2))])
    expect(flow.push(given.c)).toEqual([])
  })
  it('ends a tick bar with its last trade', () => {
    const bar = barOf({ volume: 0.5, quoteVolume: 50, buyVolume: 0.5 })
    flowMarbles(toBars('bars', { by: 'ticks', size: 1 }))
      .given('-a-w-|', given)
      .gives('-f-w-|', { f: said('final', 'k', [3, 4], bar) })
  })
  it('ends a value bar by price times size', () => {
    const flow = driveFlow(toBars('bars', { by: 'value', size: 120 }))
    expect(flow.push(given.a)).toEqual([])
    expect(flow.push(given.b)).toMatchObject([{ rows: { flag: 'final', value: { value: { quoteVolume: 125.75 } } } }])
  })
  it('tells updates at pulses', () => {
    const bar = barOf({ volume: 0.5, quoteVolume: 50, buyVolume: 0.5 })
    flowMarbles(toBars('bars', { by: 'volume', size: 9, emitEvery: 0 }))
      .given('-a-p---q-|', { ...given, p: pulse(1), q: pulse(2) })
      .gives('---(up)q-|', { u: said('update', 'k', [3, 4], bar) })
  })
  it('leaves no state of full bars', () => {
    const flow = driveFlow(toBars('bars', { by: 'ticks', size: 2 }))
    flow.push(given.a)
    const open = flow.state().get('bars')?.length ?? 0
    flow.push(given.b)
    expect(flow.state().get('bars')?.length).toBeLessThan(open)
    expect(flow.state().get('bars')).toHaveLength(9)
  })
  it('keeps the rounding errors of its sums', () => {
    const flow = driveFlow(toBars('bars', { by: 'ticks', size: 3 }))
    const sizes = [1e16, 1, 1]
    const out = sizes.flatMap((size, id) => flow.push(record('k', id, trade(id, size, 1))))
    expect(out).toMatchObject([{ rows: { value: { value: { volume: 1e16 + 2, volumeLow: 0 } } } }])
  })
  it.each([
    { name: 'without a price', bad: trade(9, 1, Number.NaN) },
    { name: 'of size 0', bad: trade(9, 0, 100) },
  ])('refuses a trade $name, and the bar goes on', ({ bad }) => {
    const { refused } = flowMarbles(toBars('bars', { by: 'ticks', size: 1 }))
      .given('-x-a-|', { ...given, x: record('k', 1, bad) })
      .gives('---f-|', { f: said('final', 'k', [3, 4], barOf({ volume: 0.5, quoteVolume: 50, buyVolume: 0.5 })) })
    expect(refused).toMatchObject([{ offset: 0, stepId: 'bars', result: 'rejected' }])
  })
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('is not made of size %s', (size) => {
    expect(() => toBars('bars', { by: 'volume', size })).toThrow(expect.objectContaining({ code: 'BAD_BAR_SIZE' }))
  })
})

// Goal: bars are made of all trades, in arrival order, wherever the state is written and read again.
// Method: random trades in 1/64, whose sums are exact; random restarts, of full images and of changes.
it('any trades in any bars are counted once, across restarts', () => {
  const trades = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b'),
      parts: fc.integer({ min: 1, max: 99 }),
      restart: fc.constantFrom('no', 'no', 'no', 'full', 'changes'),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(trades, fc.integer({ min: 1, max: 300 }), (list, sizeParts) => {
      const flow = driveFlow(toBars('bars', { by: 'volume', size: sizeParts / 64 }))
      const expected: string[] = []
      const seen: string[] = []
      const open = new Map<string, { parts: number; first: number }>()
      let hasImage = false
      for (const [id, { key, parts, restart }] of list.entries()) {
        const bar = open.get(key) ?? { parts: 0, first: id }
        bar.parts += parts
        open.set(key, bar)
        if (bar.parts >= sizeParts) {
          expected.push(`${key} ${bar.first}-${id} ${bar.parts}`)
          open.delete(key)
        }
        for (const element of flow.push(record(key, id, trade(id, parts / 64, 1)))) {
          if (element.kind !== 'rows') continue
          const { value } = element.rows.value
          seen.push(`${key} ${value.firstTradeId}-${value.lastTradeId} ${value.volume * 64}`)
        }
        if (restart === 'no') continue
        flow.restart({ full: restart === 'full' || !hasImage })
        hasImage = true
      }
      expect(seen).toEqual(expected)
    }),
    runs,
  )
})

it('a barrier of changes holds no bar that did not change', () => {
  const [full, changes] = [barrier(), barrier({ full: false })]
  flowMarbles(toBars('bars', { by: 'ticks', size: 9 }))
    .given('-axy|', { ...given, x: full, y: changes })
    .gives('--xy|')
  expect(changes.images().get('bars')).toHaveLength(9)
})

it('no bar is written and read as none', () => {
  const writer = createByteWriter()
  barAggregate.write(writer, undefined)
  expect(barAggregate.read(createByteReader(writer.finish()))).toBeUndefined()
})
