import type { Tick } from '../schemas/tick.ts'

interface StateLog {
  readonly first: readonly Entry[]
  readonly second: readonly Entry[]
}

type Entry = { readonly tick: Tick } | { readonly control: { readonly kind: 'end'; readonly line: string } }

const symbols = ['A', 'B-USD', 'C:X', 'D', 'E'] as const
const ticksEach = 900

/**
 * The log behind the states in `test/state`: always the same, in two halves. Ticks out of order, late, repeated, of ids
 * with and without an order, on two lines; the second half ends the lines. Nothing here may change, or they are of no use.
 */
export function stateEntries(): StateLog {
  let seed = 20_240_808
  const draw = (count: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return seed % count
  }
  const ids = new Map<string, number>()
  const entries: Entry[] = []
  for (let i = 0; i < 2 * ticksEach; i++) {
    const at = draw(symbols.length)
    const symbol = symbols[at] ?? 'A'
    const known = entries[draw(Math.max(1, entries.length))]
    if (draw(20) === 0 && known !== undefined) {
      entries.push(known)
      continue
    }
    const tradeId = (ids.get(symbol) ?? 1000) + 1 + (draw(10) === 0 ? draw(4) : 0)
    ids.set(symbol, tradeId)
    const back = draw(15) === 0 ? draw(400_000) : draw(3_000)
    entries.push({
      tick: {
        ...{ symbol, eventTime: 1_723_000_000_000 + i * 2_000 - back, price: 1 + draw(100_000) / 100 },
        ...{ size: (1 + draw(1000)) / 8, side: draw(2) === 0 ? 'buy' : 'sell', tradeId, sequence: tradeId },
        ...{ idOrder: at === 4 ? 'unordered' : 'monotonic', line: at % 2 === 0 ? 'one' : 'two', ingestTime: 0 },
      },
    })
  }
  const ends = ['one', 'two'].map((line): Entry => ({ control: { kind: 'end', line } }))
  return { first: entries.slice(0, ticksEach), second: [...entries.slice(ticksEach), ...ends] }
}
