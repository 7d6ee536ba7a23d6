import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CandleStore, PartitionCheckpoint } from '../ports/candle-store.ts'
import { type Candle, closedByNames, fillNames } from '../schemas/candle.ts'
import { FatalError, FencedError } from '../schemas/errors.ts'
import { sampleCandle, sampleCommit, samplePart, sampleTopic } from './sample-commit.ts'

interface StoreUnderTest {
  readonly store: CandleStore
  /** Closes and removes it. */
  dispose(): Promise<void>
}

let names = 0
/** Tests share one store; each has a topology and symbols of its own. */
const fresh = (what: string): string => `${what}-${process.pid}-${++names}`
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values)
const everything = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, limit: 10_000 }

/** What every adapter of the candle store does alike. */
export function candleStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`candle store contract: ${name}`, () => {
    let under: StoreUnderTest
    let store: CandleStore
    beforeAll(async () => {
      under = await make()
      store = under.store
    })
    afterAll(() => under?.dispose())

    const own = async (topology: string, partitions: readonly number[] = [0], nowMs = 1000) => {
      const checkpoints = await store.takeover(topology, sampleTopic, partitions, nowMs)
      return (partition: number): PartitionCheckpoint => {
        const found = checkpoints.find((checkpoint) => checkpoint.partition === partition)
        if (found === undefined) throw new Error(`partition ${partition} was not taken over`)
        return found
      }
    }
    const put = async (candles: readonly Candle[]) => {
      const topology = fresh('put')
      const { epoch } = (await own(topology))(0)
      await store.commit(sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1 }, candles)))
    }

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
                expect(await store.candles({ symbol, interval, ...everything })).toStrictEqual(expected)
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
        expect(await store.candles({ symbol, interval: 60, ...everything })).toStrictEqual([stored])
        expect(await store.latest([symbol, 'unknown', 'nul\0'], 60)).toStrictEqual([stored])
        expect(await store.symbols()).toContainEqual({ symbol, first: 7_000, last: 7_000 })
      })

      it('are found in [from, to), the oldest or the newest of them, ascending', async () => {
        const symbol = fresh('RANGE')
        const all = [-120_000, -60_000, 0, 60_000, 120_000].map((start) => sampleCandle({ symbol, start }))
        await put(all)
        const starts = async (query: { from: number; to: number; limit: number; take?: 'oldest' | 'newest' }) =>
          (await store.candles({ symbol, interval: 60, ...query })).map(({ start }) => start)
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
        const latest = await store.latest([two, one, two, fresh('UNKNOWN')], 60)
        expect(latest.map(({ symbol, start }) => [symbol, start])).toEqual([
          [one, 60_000],
          [two, 60_000],
        ])
        const spans = (await store.symbols()).filter(({ symbol }) => symbol === one || symbol === two)
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
          for await (const page of store.scan(filter)) {
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

      it('are replaced by a later commit, whatever revision and partition it has', async () => {
        const symbol = fresh('REPLACED')
        const topology = fresh('topology')
        const of = await own(topology, [0, 1])
        const first = sampleCandle({ symbol, revision: 9, seq: 50 })
        const second = { ...first, close: 2, revision: 2, seq: 3 }
        await store.commit(
          sampleCommit(topology, samplePart({ epoch: of(0).epoch, previousOffset: 0, commitNo: 1 }, [first])),
        )
        await store.commit(
          sampleCommit(
            topology,
            samplePart({ partition: 1, epoch: of(1).epoch, previousOffset: 0, commitNo: 1 }, [second]),
          ),
        )
        expect(await store.candles({ symbol, interval: 60, ...everything })).toStrictEqual([second])
      })
    })

    describe('a commit', () => {
      it('moves the position of each of its partitions', async () => {
        const topology = fresh('moves')
        const of = await own(topology, [2, 5])
        await store.commit(
          sampleCommit(
            topology,
            samplePart({ partition: 2, epoch: of(2).epoch, previousOffset: 0, commitNo: 1, nextOffset: 7 }),
            samplePart({ partition: 5, epoch: of(5).epoch, previousOffset: 0, commitNo: 1, nextOffset: 9 }),
          ),
        )
        expect(await store.positions(topology)).toEqual([
          { partition: 2, epoch: of(2).epoch, nextOffset: 7, commitNo: 1 },
          { partition: 5, epoch: of(5).epoch, nextOffset: 9, commitNo: 1 },
        ])
      })

      it.each([
        { name: 'by an older epoch', epochShift: -1, previousOffset: 0 },
        { name: 'by a newer epoch', epochShift: 1, previousOffset: 0 },
        { name: 'by an offset behind', epochShift: 0, previousOffset: -1 },
        { name: 'by an offset ahead', epochShift: 0, previousOffset: 5 },
      ])('that is fenced $name leaves nothing behind, of no partition', async ({ epochShift, previousOffset }) => {
        const topology = fresh('fenced')
        const symbol = fresh('FENCED')
        const of = await own(topology, [0, 3])
        const deadLetter = letter({ topic: topology })
        const good = samplePart(
          {
            ...{ partition: 0, epoch: of(0).epoch, previousOffset: 0, commitNo: 1 },
            ...{ state: bytes(1), stateFull: true, outbox: bytes(2), deadLetters: [deadLetter] },
            lateRanges: [{ partition: 0, fromOffset: 1, toOffset: 2, symbol: topology, reason: 'late', count: 2 }],
          },
          [sampleCandle({ symbol })],
        )
        const fenced = samplePart(
          { partition: 3, epoch: of(3).epoch + epochShift, previousOffset, commitNo: 1, nextOffset: 20 },
          [sampleCandle({ symbol, start: 60_000 })],
        )
        const refused: unknown = await store
          .commit(sampleCommit(topology, good, fenced))
          .catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(FencedError)
        expect(refused).toMatchObject({ code: 'FENCED', message: 'The commit was fenced: partitions 3' })
        expect(await store.candles({ symbol, interval: 60, ...everything })).toEqual([])
        expect(await store.deadLetters(1_000)).not.toContainEqual(expect.objectContaining({ topic: topology }))
        expect(await store.lateRanges(1_000)).not.toContainEqual(expect.objectContaining({ symbol: topology }))
        const after = await own(topology, [0, 3], 2000)
        expect(after(0)).toEqual(checkpoint(0, { epoch: 2000 }))
        expect(after(3)).toEqual(checkpoint(3, { epoch: 2000 }))
      })

      it('names every partition that is fenced', async () => {
        const topology = fresh('all-fenced')
        await own(topology, [0, 1, 2])
        const parts = [0, 1, 2].map((partition) => samplePart({ partition, epoch: 1, previousOffset: 0, commitNo: 1 }))
        await expect(store.commit(sampleCommit(topology, ...parts))).rejects.toThrow(/partitions 0, 1, 2$/)
      })

      it('that is made twice is fenced the second time and changes nothing', async () => {
        const topology = fresh('twice')
        const symbol = fresh('TWICE')
        const { epoch } = (await own(topology))(0)
        const commit = sampleCommit(
          topology,
          samplePart({ epoch, previousOffset: 0, commitNo: 1, state: bytes(1), outbox: bytes(2) }, [
            sampleCandle({ symbol }),
          ]),
        )
        await store.commit(commit)
        await expect(store.commit(commit)).rejects.toBeInstanceOf(FencedError)
        expect((await own(topology, [0], 5000))(0)).toEqual(
          checkpoint(0, {
            ...{ epoch: 5000, nextOffset: 10, commitNo: 1, lastSeq: 1 },
            ...{ states: [bytes(1)], outbox: [{ commitNo: 1, payload: bytes(2) }] },
          }),
        )
      })

      it('may follow another without waiting for it', async () => {
        const topology = fresh('pipelined')
        const { epoch } = (await own(topology))(0)
        const numbers = Array.from({ length: 20 }, (_, i) => i)
        await Promise.all(
          numbers.map((i) =>
            store.commit(
              sampleCommit(
                topology,
                samplePart({ epoch, previousOffset: i * 10, commitNo: i + 1 }, [
                  sampleCandle({ symbol: topology, start: i * 60_000, close: i }),
                ]),
              ),
            ),
          ),
        )
        const closes = (await store.candles({ symbol: topology, interval: 60, ...everything })).map(
          ({ close }) => close,
        )
        expect(closes).toEqual(numbers)
      })

      it('that breaks a rule leaves nothing in the next', async () => {
        const topology = fresh('rule')
        const { epoch } = (await own(topology))(0)
        const commit = (trades: number) =>
          store.commit(
            sampleCommit(
              topology,
              samplePart({ epoch, previousOffset: 0, commitNo: 1 }, [sampleCandle({ symbol: topology, trades })]),
            ),
          )
        await expect(commit(0.5)).rejects.toThrow(/integer/)
        await commit(5)
        expect(await store.latest([topology], 60)).toMatchObject([{ trades: 5 }])
      })

      it('of no partition is nothing', async () => {
        await expect(store.commit(sampleCommit(fresh('none')))).resolves.toBeUndefined()
      })
    })

    describe('a takeover', () => {
      it('finds nothing of a new partition', async () => {
        expect((await own(fresh('new'), [4], 77))(4)).toEqual(checkpoint(4, { epoch: 77 }))
      })

      it('raises the epoch every time, by the clock or by one where the clock stands back', async () => {
        const topology = fresh('epochs')
        const epochs: number[] = []
        for (const nowMs of [1_000, 500, 1_001, 9_000]) epochs.push((await own(topology, [0], nowMs))(0).epoch)
        expect(epochs).toEqual([1_000, 1_001, 1_002, 9_000])
      })

      it('fences the owner before, and only of the partitions taken', async () => {
        const topology = fresh('owners')
        const before = await own(topology, [0, 1])
        await own(topology, [1], 9_000)
        const part = (partition: number) =>
          samplePart({ partition, epoch: before(partition).epoch, previousOffset: 0, commitNo: 1 })
        await expect(store.commit(sampleCommit(topology, part(1)))).rejects.toBeInstanceOf(FencedError)
        await expect(store.commit(sampleCommit(topology, part(0)))).resolves.toBeUndefined()
      })

      it('returns the last full state and the changes since, in order, and the outbox not yet acknowledged', async () => {
        const topology = fresh('states')
        const { epoch } = (await own(topology))(0)
        const steps = [
          { state: bytes(1), stateFull: true, outbox: bytes(11), outboxAckedThrough: 0 },
          { state: bytes(2), stateFull: false, outbox: undefined, outboxAckedThrough: 0 },
          { state: bytes(3), stateFull: true, outbox: bytes(13), outboxAckedThrough: 1 },
          { state: bytes(4), stateFull: false, outbox: bytes(), outboxAckedThrough: 1 },
          { state: bytes(), stateFull: false, outbox: undefined, outboxAckedThrough: 1 },
          { state: bytes(6, 0, 255), stateFull: false, outbox: bytes(16), outboxAckedThrough: 3 },
        ]
        for (const [i, step] of steps.entries()) {
          const part = samplePart({ epoch, previousOffset: i * 10, commitNo: i + 1, lastSeq: i * 3, ...step })
          await store.commit(sampleCommit(topology, part))
        }
        expect((await own(topology, [0], 2000))(0)).toEqual(
          checkpoint(0, {
            ...{ epoch: 2000, nextOffset: 60, commitNo: 6, lastSeq: 15 },
            states: [bytes(3), bytes(4), bytes(6, 0, 255)],
            outbox: [
              { commitNo: 4, payload: bytes() },
              { commitNo: 6, payload: bytes(16) },
            ],
          }),
        )
      })

      it('keeps a large state whole', async () => {
        const topology = fresh('large')
        const { epoch } = (await own(topology))(0)
        const state = new Uint8Array(3_000_000).map((_, i) => i * 31)
        await store.commit(
          sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, state, stateFull: true })),
        )
        const [found] = (await own(topology, [0], 2000))(0).states
        expect(Buffer.compare(found ?? bytes(), state)).toBe(0)
      })

      it.each([
        { name: 'has another id', change: { topicId: 'topic-2' } },
        { name: 'has more partitions', change: { partitions: 9 } },
        { name: 'has fewer partitions', change: { partitions: 7 } },
      ])('is refused where the topic $name, and raises no epoch', async ({ change }) => {
        const topology = fresh('topic')
        await own(topology)
        const refused: unknown = await store
          .takeover(topology, { ...sampleTopic, ...change }, [0], 9_000)
          .catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(FatalError)
        expect(refused).toMatchObject({ code: 'TOPIC_CHANGED' })
        expect(await store.positions(topology)).toMatchObject([{ epoch: 1000 }])
      })

      it('learns the id of a topic whose broker told none before', async () => {
        const topology = fresh('learns')
        const take = (topicId: string | null) => store.takeover(topology, { ...sampleTopic, topicId }, [0], 1)
        await take(null)
        await take('known')
        await take(null)
        await expect(take('other')).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
      })
    })

    describe('dead letters', () => {
      const commitLetters = async (letters: readonly ReturnType<typeof letter>[]) => {
        const topology = fresh('letters')
        const { epoch } = (await own(topology))(0)
        await store.commit(
          sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, deadLetters: letters })),
        )
      }
      const stored = async (topic: string) => (await store.deadLetters(1_000)).filter((each) => each.topic === topic)

      it('are there once for each record, whoever commits them again', async () => {
        const topic = fresh('topic')
        const one = letter({ topic, offset: 5 })
        await commitLetters([one, letter({ topic, offset: 6 }), one])
        await commitLetters([one])
        expect((await stored(topic)).map(({ offset }) => offset).sort()).toEqual([5, 6])
      })

      it('are there once for each place of a feed, at whatever offset it comes again', async () => {
        const topic = fresh('topic')
        await commitLetters([letter({ topic, offset: 5, source: 'ticks.csv:7' })])
        await commitLetters([
          letter({ topic, offset: 9, source: 'ticks.csv:7' }),
          letter({ topic, offset: 9, source: 'ticks.csv:8' }),
        ])
        expect((await stored(topic)).map(({ source }) => source)).toEqual(['ticks.csv:8', 'ticks.csv:7'])
      })

      it('keep what a hostile record says, all but what no text can hold', async () => {
        const topic = fresh('topic')
        const payload = new Uint8Array(5_000).fill(7)
        await commitLetters([
          letter({ topic, symbol: `\0'"\\.`, detail: `\ud800${'x'.repeat(5_000)}`, schemaId: null, payload }),
        ])
        const [found] = await stored(topic)
        expect(found).toMatchObject({ symbol: `\ufffd'"\\.`, schemaId: null, reason: 'MALFORMED' })
        expect(found?.detail.length).toBeLessThanOrEqual(600)
        expect(found?.payload.length).toBe(4096)
        expect(Math.abs((found?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000)
      })
    })

    it('lists late ranges, the newest first', async () => {
      const topology = fresh('late')
      const { epoch } = (await own(topology))(0)
      const range = (fromOffset: number, reason: 'late' | 'duplicate') => ({
        ...{ partition: 0, fromOffset, toOffset: fromOffset + 4, symbol: topology, reason, count: 3 },
      })
      const ranges = [range(1, 'late'), range(9, 'duplicate')]
      await store.commit(
        sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, lateRanges: ranges })),
      )
      expect(await store.lateRanges(2)).toEqual(ranges.reverse())
    })

    it('answers a ping and has an id', async () => {
      await expect(store.ping()).resolves.toBeUndefined()
      expect(store.storeId).toMatch(/^[0-9a-f-]{36}$/)
    })
  })
}

function checkpoint(partition: number, changes: Partial<PartitionCheckpoint>): PartitionCheckpoint {
  return { partition, epoch: 0, nextOffset: 0, commitNo: 0, lastSeq: 0, states: [], outbox: [], ...changes }
}

function letter(changes: {
  topic: string
  offset?: number
  source?: string
  symbol?: string
  detail?: string
  schemaId?: number | null
  payload?: Uint8Array
}) {
  return {
    ...{ partition: 0, offset: 0, reason: 'MALFORMED' as const, detail: 'bad', symbol: '', schemaId: 3, source: '' },
    payload: bytes(1, 2, 3),
    ...changes,
  }
}
