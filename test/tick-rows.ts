import fc from 'fast-check'
import type { ColumnBatch } from '../schemas/columns.ts'
import type { Interner } from '../schemas/interner.ts'
import { type IdOrder, idOrderNames, type Side, sideNames, type Tick } from '../schemas/tick.ts'
import { tick } from '../topology/testing/builders.ts'

/** What a row holds, as values that compare. */
export interface TickRow {
  readonly symbol: string
  readonly line: string
  readonly eventTime: number
  readonly price: number
  readonly size: number
  readonly side: Side | undefined
  readonly idOrder: IdOrder | undefined
  readonly tradeId: number
  readonly sequence: number
}

/** The rows of a batch by name. */
export function tickRows(batch: ColumnBatch, symbols: Interner, lines: Interner): TickRow[] {
  const { columns } = batch
  return Array.from({ length: columns.length }, (_, row) => ({
    symbol: symbols.name(columns.symbol[row] ?? -1),
    line: lines.name(columns.line[row] ?? -1),
    eventTime: columns.eventTime[row] ?? Number.NaN,
    price: columns.price[row] ?? Number.NaN,
    size: columns.size[row] ?? Number.NaN,
    side: sideNames[columns.side[row] ?? -1],
    idOrder: idOrderNames[columns.idOrder[row] ?? -1],
    tradeId: columns.tradeId[row] ?? Number.NaN,
    sequence: columns.sequence[row] ?? Number.NaN,
  }))
}

/** A tick as its row. */
export function rowOf({ ingestTime: _, ...row }: Tick): TickRow {
  return row
}

/** Longs over the whole range, the edges of every varint length included. */
export const longs = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc
    .tuple(fc.integer({ min: 0, max: 53 }), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([bits, near, sign]) => sign * Math.min(Math.max(2 ** bits + near, 0), Number.MAX_SAFE_INTEGER) + 0),
)

export const symbolNames = fc.oneof(
  fc.stringMatching(/^[A-Z]{1,8}-[A-Z]{3}$/),
  fc.string({ maxLength: 8, unit: 'binary' }).map((text) => text.replaceAll('\uFFFD', '')),
)

/** Any tick that the encoder takes. */
export const ticks: fc.Arbitrary<Tick> = fc.record({
  symbol: symbolNames,
  eventTime: longs,
  price: fc.double(),
  size: fc.double(),
  side: fc.constantFrom(...sideNames),
  tradeId: longs,
  idOrder: fc.constantFrom(...idOrderNames),
  sequence: longs,
  line: symbolNames,
  ingestTime: longs,
})

/** A plain tick. */
export const aTick: (changes?: Partial<Tick>) => Tick = tick
