import { describe, expect, it } from 'vitest'
import { aTick, tickRows } from '../test/tick-rows.ts'
import type { ColumnBatch, TickDecoder } from './columns.ts'
import { Interner } from './interner.ts'
import { tickAvro } from './tick.ts'
import { createTickColumnDecoder } from './tick-column-decoder.ts'
import { createTickEncoder } from './tick-encoder.ts'
import { framingBytes } from './wire-format.ts'

/** Pushes the value in `[32, to)`, and takes what came of it. */
function pushed(decoder: TickDecoder, segment: Buffer, to: number): { batch: ColumnBatch; ms: number } {
  const started = performance.now()
  const result = decoder.push(segment, 32, to, 0, 0, undefined)
  const ms = performance.now() - started
  if (result !== 0) throw new Error(`a record is taken, was ${result}`)
  return { batch: decoder.take(0, 0, 1), ms }
}

// Goal: no bytes make the decoder throw, stall, or make a row of what is no tick.
// Method: random and mutated values in a segment full of other bytes; FUZZ_RUNS sets how many.
describe('fuzzed values', () => {
  const runs = Number(process.env['FUZZ_RUNS'] ?? 100_000)

  it.each([
    { way: 'compiled', compile: true, share: 1 },
    { way: 'general', compile: false, share: 10 },
  ])(
    'end as rows or refused records, in bounded time ($way)',
    async ({ compile, share }) => {
      const [symbols, lines] = [new Interner(), new Interner()]
      const recursive = {
        ...tickAvro,
        fields: [
          ...tickAvro.fields,
          {
            name: 'more',
            type: { type: 'array', items: ['null', 'string', { type: 'map', values: 'long' }, 'redwick.Tick'] },
          },
        ],
      }
      const decoder = createTickColumnDecoder({
        symbols,
        lines,
        fetchSchema: async (id) => (id === 1 ? tickAvro : id === 2 ? recursive : undefined),
        compile,
      })
      for (const id of [1, 2]) await decoder.resolveSchema(id)
      const plain = createTickEncoder(1)(aTick())
      const wide = Buffer.concat([createTickEncoder(2)(aTick()), Buffer.from([2, 2, 2, 0x78, 0])])
      let random = 20_260_101
      const next = (below: number) => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
        return Math.floor((random / 2 ** 32) * below)
      }
      let [rows, refused, slowestMs] = [0, 0, 0]
      for (let run = 0; run < runs / share; run++) {
        const source = next(2) === 0 ? plain : wide
        const value = next(5) === 0 ? Buffer.alloc(next(120)).map(() => next(256)) : Buffer.from(source)
        if (value.length >= framingBytes) value.set(source.subarray(0, framingBytes))
        for (let left = next(4); left > 0 && value.length > framingBytes; left--)
          value[framingBytes + next(value.length - framingBytes)] = next(3) === 0 ? 0xff : next(256)
        const segment = Buffer.alloc(value.length + 64, next(256))
        segment.set(value, 32)
        const to = 32 + (next(4) === 0 ? next(value.length + 1) : value.length)
        let { batch, ms } = pushed(decoder, segment, to)
        // The machine may have been busy: a stall of the value's own comes back each time.
        for (let again = 0; again < 4 && ms > 5; again++) ms = Math.min(ms, pushed(decoder, segment, to).ms)
        slowestMs = Math.max(slowestMs, ms)
        rows += batch.columns.length
        refused += batch.refused.length
        for (const row of tickRows(batch, symbols, lines)) {
          if (row.side === undefined || row.idOrder === undefined) throw new Error('a row has a known side and order')
          if (![row.eventTime, row.tradeId, row.sequence].every(Number.isSafeInteger)) throw new Error('a long is safe')
        }
      }
      expect(rows + refused).toBe(Math.ceil(runs / share))
      expect(Math.min(rows, refused)).toBeGreaterThan(0)
      expect(slowestMs).toBeLessThan(50)
    },
    600_000,
  )
})
