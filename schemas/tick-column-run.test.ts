import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyRuns } from '../test/property-runs.ts'
import { decoderRig, encode, foreignId, tickId } from '../test/tick-decoder-rig.ts'
import { tickRows, ticks } from '../test/tick-rows.ts'
import { pushed } from './batch-decoder.ts'

/** Bytes that once were a tick: cut, lengthened, changed, or of another schema. */
const damage = fc.constantFrom('none', 'none', 'none', 'none', 'cut', 'long', 'flip', 'foreign', 'empty')

const values = fc
  .array(fc.record({ tick: ticks, kind: damage, place: fc.nat(), byte: fc.integer({ min: 1, max: 255 }) }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((list) =>
    list.map(({ tick, kind, place, byte }) => {
      const whole = encode(tick)
      if (kind === 'cut') return whole.subarray(0, place % whole.length)
      if (kind === 'long') return Buffer.concat([whole, Buffer.of(byte)])
      if (kind === 'empty') return Buffer.alloc(0)
      const copy = Buffer.from(whole)
      if (kind === 'flip') copy[place % copy.length] = (copy[place % copy.length] ?? 0) ^ byte
      if (kind === 'foreign') copy.writeInt32BE(foreignId, 1)
      return copy
    }),
  )

// Goal: taking ticks by the run gives what taking them one by one gives, whatever stands between them.
// Method: random good and damaged values side by side in one buffer, small batches; rows, refusals and places must agree.
it('a run of ticks is read as the same ticks one by one', async () => {
  await fc.assert(
    fc.asyncProperty(values, fc.integer({ min: 1, max: 20 }), async (list, rowsMax) => {
      const bytes = Buffer.concat([Buffer.alloc(3), ...list, Buffer.alloc(12, 0xff)])
      const starts = new Int32Array(list.length)
      const ends = new Int32Array(list.length)
      let at = 3
      for (const [i, value] of list.entries()) {
        starts[i] = at
        at += value.length
        ends[i] = at
      }
      const readAll = async (byRuns: boolean): Promise<unknown[]> => {
        // By runs what was pushed is wiped: nothing may point to it.
        const own = byRuns ? Buffer.from(bytes) : bytes
        const wipe = (from: number, to: number): void => {
          if (byRuns && from < to) own.fill(0xee, starts[from], ends[to - 1])
        }
        const { decoder, symbols, lines } = await decoderRig({ rowsMax })
        const seen: unknown[] = []
        const take = (): void => {
          const batch = decoder.take(0, 0, 0)
          seen.push(
            ...tickRows(batch, symbols, lines).map((row, i) => [
              batch.columns.offset[i],
              batch.columns.appendTime[i],
              row,
            ]),
            ...batch.refused,
          )
        }
        for (let i = 0; i < list.length; ) {
          const next = byRuns ? decoder.pushRun(own, starts, ends, i, list.length, 100 + i, 5) : i
          wipe(i, next)
          expect(next).toBeGreaterThanOrEqual(i)
          i = next
          if (i === list.length) break
          const result = decoder.push(own, starts[i] ?? 0, ends[i] ?? 0, 100 + i, 5, undefined)
          if (result === pushed.needsSchema) await decoder.resolveSchema(decoder.wantedSchemaId)
          else if (result === pushed.full) take()
          else {
            i += 1
            wipe(i - 1, i)
          }
        }
        take()
        return seen.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      }
      expect(await readAll(true)).toEqual(await readAll(false))
    }),
    propertyRuns(300),
  )
})

it('a run is taken whole once its names are known, and stops at the batch', async () => {
  const { decoder } = await decoderRig({ rowsMax: 4 })
  const value = encode({
    ...fc.sample(ticks, { numRuns: 1, seed: 1 })[0],
    symbol: 'BTC-USDT',
    line: 'one',
  } as Parameters<typeof encode>[0])
  const bytes = Buffer.concat([value, value, value, value, value, value])
  const starts = Int32Array.from({ length: 6 }, (_, i) => i * value.length)
  const ends = starts.map((start) => start + value.length)
  expect(value.readInt32BE(1)).toBe(tickId)
  expect(decoder.pushRun(bytes, starts, ends, 0, 6, 0, 0)).toBe(0)
  expect(decoder.push(bytes, 0, value.length, 0, 0, undefined)).toBe(pushed.taken)
  expect(decoder.pushRun(bytes, starts, ends, 1, 6, 1, 0)).toBe(4)
  expect(decoder.push(bytes, starts[4] ?? 0, ends[4] ?? 0, 4, 0, undefined)).toBe(pushed.full)
})
