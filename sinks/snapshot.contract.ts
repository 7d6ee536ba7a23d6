import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChannelSnapshot, Snapshot } from '../ports/snapshot.ts'
import { closedByNames, fillNames } from '../schemas/candle.ts'
import { sampleCandle } from './sample-commit.ts'

/** What every adapter of the snapshot does alike; `make` gives an empty one. */
export function snapshotContract(name: string, make: () => Promise<Snapshot>): void {
  describe(`snapshot contract: ${name}`, () => {
    let snapshot: Snapshot
    beforeEach(async () => {
      snapshot = await make()
    })
    afterEach(() => snapshot?.close())

    const number = fc.double({ noNaN: true })
    const open = fc
      .record({
        ...{ open: number, high: number, low: number, close: number, volume: number, volumeLow: number },
        ...{ quoteVolume: number, quoteVolumeLow: number, buyVolume: number, buyVolumeLow: number },
        ...{ trades: fc.maxSafeNat(), firstTradeId: fc.maxSafeInteger(), lastTradeId: fc.maxSafeNat() },
        ...{ revision: fc.maxSafeNat(), seq: fc.maxSafeNat(), start: fc.maxSafeInteger() },
        ...{ final: fc.boolean(), partial: fc.boolean() },
        ...{ closedBy: fc.constantFrom(...closedByNames), fill: fc.constantFrom(...fillNames) },
      })
      .map((fields) => sampleCandle(fields))

    it('gives a channel back as it was written, to the last bit', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: 'binary' }),
          fc.array(open, { maxLength: 5 }),
          fc.maxSafeNat(),
          async (symbol, candles, seq) => {
            const fresh = await make()
            const written = channel({ symbol, seq, open: candles.map((candle) => ({ ...candle, symbol })) })
            await fresh.write(0, { e: 1, offset: 1 }, [written])
            expect(await fresh.read(symbol, 60)).toStrictEqual(written)
            expect(await fresh.symbols()).toEqual([symbol])
            await fresh.close()
          },
        ),
        { numRuns: 25 },
      )
    })

    it('knows nothing at first', async () => {
      expect(await snapshot.read('A', 60)).toBeUndefined()
      expect(await snapshot.readMany(['A', 'B'], 60)).toEqual([])
      expect(await snapshot.position(0)).toBeUndefined()
      expect(await snapshot.symbols()).toEqual([])
      await expect(snapshot.ping()).resolves.toBeUndefined()
    })

    it.each([
      { name: 'a later q replaces', next: { e: 5, q: 8 }, stays: false },
      { name: 'the same q replaces: a final may have been committed since', next: { e: 5, q: 7 }, stays: false },
      { name: 'a later epoch replaces, whatever its q', next: { e: 6, q: 1 }, stays: false },
      { name: 'an earlier q does not replace', next: { e: 5, q: 6 }, stays: true },
      { name: 'an earlier epoch does not replace, whatever its q', next: { e: 4, q: 99 }, stays: true },
    ])('$name', async ({ next, stays }) => {
      const first = channel({ e: 5, q: 7, offset: 1 })
      const second = channel({ ...next, offset: 2 })
      await snapshot.write(0, { e: 5, offset: 1 }, [first])
      await snapshot.write(0, { e: 5, offset: 2 }, [second])
      expect(await snapshot.read('A', 60)).toEqual(stays ? first : second)
    })

    it.each([
      { name: 'ahead moves', next: { e: 5, offset: 11 }, stays: false },
      { name: 'of a later epoch moves', next: { e: 6, offset: 3 }, stays: false },
      { name: 'behind does not move', next: { e: 5, offset: 9 }, stays: true },
      { name: 'of an earlier epoch does not move', next: { e: 4, offset: 99 }, stays: true },
    ])('a position $name', async ({ next, stays }) => {
      await snapshot.write(3, { e: 5, offset: 10 }, [])
      await snapshot.write(3, next, [])
      expect(await snapshot.position(3)).toEqual(stays ? { e: 5, offset: 10 } : next)
      expect(await snapshot.position(4)).toBeUndefined()
    })

    it('keeps the position while more channels are to come before it moves', async () => {
      await snapshot.write(3, { e: 5, offset: 10 }, [])
      await snapshot.write(3, undefined, [channel({ e: 5, q: 7 })])
      expect(await snapshot.position(3)).toEqual({ e: 5, offset: 10 })
      expect(await snapshot.read('A', 60)).toMatchObject({ q: 7 })
    })

    it('tells intervals of a symbol apart, and symbols that look like keys', async () => {
      const channels = [
        ...[60, 300].map((interval) => channel({ symbol: 'A', interval })),
        ...['300:A', '__proto__', ''].map((symbol) => channel({ symbol })),
      ]
      await snapshot.write(0, { e: 1, offset: 1 }, channels)
      for (const each of channels) expect(await snapshot.read(each.symbol, each.interval)).toEqual(each)
      expect(await snapshot.symbols()).toEqual(['', '300:A', 'A', '__proto__'])
    })

    it('writes and reads thousands of channels', async () => {
      const symbols = Array.from({ length: 2_345 }, (_, i) => `S${String(i).padStart(5, '0')}`)
      const channels = symbols.map((symbol, q) => channel({ symbol, q, open: [sampleCandle({ symbol, seq: q })] }))
      await snapshot.write(0, { e: 1, offset: 1 }, channels)
      expect(await snapshot.readMany([...symbols, 'unknown'], 60)).toEqual(channels)
      expect(await snapshot.symbols()).toEqual(symbols)
    })
  })
}

function channel(changes: Partial<ChannelSnapshot> = {}): ChannelSnapshot {
  return { symbol: 'A', interval: 60, e: 1, q: 1, seq: 0, offset: 0, partition: 0, open: [], ...changes }
}
