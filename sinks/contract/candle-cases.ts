import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Candle, closedByNames, fillNames } from '../../schemas/candle.ts'
import { sampleCandle, sampleCommit, samplePart } from '../sample-commit.ts'
import { everything, fresh, type StoreRig } from './store-rig.ts'

/** Candles as they are read, and listed. */
export function candleCases(rig: StoreRig): void {
  const { own, put } = rig
  describe('candles', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
    const count = fc.maxSafeNat()
    const candle = fc
      .record({
        interval: fc.constantFrom(60, 300, 86_400),
        start: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
        open: finite,
        high: finite,
        low: finite,
        close: finite,
        volume: finite,
        volumeLow: finite,
        quoteVolume: finite,
        quoteVolumeLow: finite,
        buyVolume: finite,
        buyVolumeLow: finite,
        trades: count,
        firstTradeId: fc.maxSafeInteger(),
        lastTradeId: count,
        revision: count,
        seq: count,
        closedBy: fc.constantFrom(...closedByNames),
        fill: fc.constantFrom(...fillNames),
        partial: fc.boolean(),
      })
      .map((fields) => sampleCandle(fields))

    it('come back with every field as it was, to the last bit', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(candle, { maxLength: 40, selector: ({ interval, start }) => `${interval}/${start}` }),
          async (drawn) => {
            const symbol = fresh('PROPERTY')
            const written = drawn.map((each) => ({ ...each, symbol }))
            await put(written)
            for (const interval of [60, 300, 86_400]) {
              const expected = written.filter((each) => each.interval === interval).sort((a, b) => a.start - b.start)
              expect(await rig.store.candles({ symbol, interval, ...everything })).toStrictEqual(expected)
            }
          },
        ),
        { numRuns: 15 },
      )
    })

    it.each([
      { name: 'the separators of text COPY', symbol: `a\tb'\\.\\N"\n\r` },
      { name: 'an array literal', symbol: '{"x",NULL}\\' },
      { name: 'SQL', symbol: `'; DROP TABLE candles; --$1` },
      { name: 'more than one byte a character', symbol: 'Ø‑😀/USD' },
      { name: 'a name of JavaScript', symbol: '__proto__' },
      { name: 'nothing', symbol: '' },
    ])('take a symbol of $name as data', async ({ symbol }) => {
      const stored = sampleCandle({ symbol, start: 7_000 })
      await put([stored])
      expect(await rig.store.candles({ symbol, interval: 60, ...everything })).toStrictEqual([stored])
      expect(await rig.store.latest([symbol, 'unknown', 'nul\0'], 60)).toStrictEqual([stored])
      expect(await rig.store.symbols()).toContainEqual({ symbol, first: 7_000, last: 7_000 })
    })

    it('are found in [from, to), the oldest or the newest of them, ascending', async () => {
      const symbol = fresh('RANGE')
      const all = [-120_000, -60_000, 0, 60_000, 120_000].map((start) => sampleCandle({ symbol, start }))
      await put(all)
      const starts = async (query: { from: number; to: number; limit: number; take?: 'oldest' | 'newest' }) =>
        (await rig.store.candles({ symbol, interval: 60, ...query })).map(({ start }) => start)
      expect(await starts({ from: -60_000, to: 120_000, limit: 9 })).toEqual([-60_000, 0, 60_000])
      expect(await starts({ from: -120_000, to: 180_000, limit: 2, take: 'oldest' })).toEqual([-120_000, -60_000])
      expect(await starts({ from: -120_000, to: 180_000, limit: 2, take: 'newest' })).toEqual([60_000, 120_000])
      expect(await starts({ ...everything, limit: 0 })).toEqual([])
      expect(await starts({ from: 0, to: 0, limit: 9 })).toEqual([])
    })

    it('give the last of each symbol, and the span of each over all intervals', async () => {
      const [one, two] = [fresh('LATEST'), fresh('LATEST')]
      const candles = [0, 60_000].flatMap((start) => [one, two].map((symbol) => sampleCandle({ symbol, start })))
      await put([...candles, sampleCandle({ symbol: two, interval: 300, start: -300_000 })])
      const latest = await rig.store.latest([two, one, two, fresh('UNKNOWN')], 60)
      expect(latest.map(({ symbol, start }) => [symbol, start])).toEqual([
        [one, 60_000],
        [two, 60_000],
      ])
      const spans = (await rig.store.symbols()).filter(({ symbol }) => symbol === one || symbol === two)
      expect(spans).toEqual([
        { symbol: one, first: 0, last: 60_000 },
        { symbol: two, first: -300_000, last: 60_000 },
      ])
    })

    it('are scanned in pages, each once, by symbol in byte order, interval and start', async () => {
      const prefix = fresh('SCAN')
      // In byte order Z comes before a; most collations say otherwise.
      const symbols = [`${prefix}-Z`, `${prefix}-a`]
      const starts = Array.from({ length: 2_100 }, (_, i) => (i - 50) * 60_000)
      const expected = symbols.flatMap((symbol) => starts.map((start) => sampleCandle({ symbol, start })))
      await put([...expected].reverse())
      await put([sampleCandle({ symbol: `${prefix}-a`, interval: 300 })])
      const scan = async (filter: { symbol?: string; interval?: number }) => {
        const found: Candle[] = []
        for await (const page of rig.store.scan(filter)) {
          expect(page.length).toBeGreaterThan(0)
          found.push(...page.filter(({ symbol }) => symbol.startsWith(prefix)))
        }
        return found.map(({ symbol, interval, start }) => `${symbol} ${interval} ${start}`)
      }
      const keys = expected.map(({ symbol, interval, start }) => `${symbol} ${interval} ${start}`)
      expect(await scan({ interval: 60 })).toEqual(keys)
      expect(await scan({ symbol: `${prefix}-a` })).toEqual([...keys.slice(2_100), `${prefix}-a 300 0`])
      expect(await scan({ symbol: `${prefix}-a`, interval: 300 })).toEqual([`${prefix}-a 300 0`])
      expect((await scan({})).length).toBe(4_201)
    })

    it('that are final a second time replace what is there, beside others that are new', async () => {
      const [known, other, later] = [fresh('KNOWN'), fresh('OTHER'), fresh('LATER')]
      const topology = fresh('again')
      const { epoch } = (await own(topology))(0)
      const commit = async (commitNo: number, ...candles: readonly Candle[]) =>
        rig.store.commit(
          sampleCommit(topology, samplePart({ epoch, previousOffset: (commitNo - 1) * 10, commitNo }, candles)),
        )
      await commit(1, sampleCandle({ symbol: known, close: 1 }))
      const second = sampleCandle({ symbol: known, close: 2, seq: 2 })
      const beside = sampleCandle({ symbol: other, seq: 3 })
      await commit(2, beside, second)
      const third = sampleCandle({ symbol: later, seq: 4 })
      await commit(3, third)
      expect(await rig.store.latest([known, other, later], 60)).toStrictEqual(
        [second, beside, third].sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
      )
      const [position] = (await rig.store.positions(topology)).filter(({ partition }) => partition === 0)
      expect(position).toMatchObject({ nextOffset: 30 })
    })

    it('are replaced by a later commit, whatever revision and partition it has', async () => {
      const symbol = fresh('REPLACED')
      const topology = fresh('topology')
      const of = await own(topology, [0, 1])
      const first = sampleCandle({ symbol, revision: 9, seq: 50 })
      const second = { ...first, close: 2, revision: 2, seq: 3 }
      await rig.store.commit(
        sampleCommit(topology, samplePart({ epoch: of(0).epoch, previousOffset: 0, commitNo: 1 }, [first])),
      )
      await rig.store.commit(
        sampleCommit(
          topology,
          samplePart({ partition: 1, epoch: of(1).epoch, previousOffset: 0, commitNo: 1 }, [second]),
        ),
      )
      expect(await rig.store.candles({ symbol, interval: 60, ...everything })).toStrictEqual([second])
    })
  })
}
