/** Side of the aggressor, as stored in columns. */
export const side = { buy: 0, sell: 1, unknown: 2 } as const
export type Side = keyof typeof side
export const sideNames: readonly Side[] = ['buy', 'sell', 'unknown']

/** Whether a symbol's trade ids grow by time (`monotonic`) or are only names (`unordered`, e.g. hashed). */
export const idOrder = { monotonic: 0, unordered: 1 } as const
export type IdOrder = keyof typeof idOrder
export const idOrderNames: readonly IdOrder[] = ['monotonic', 'unordered']

/** One trade, as a feed hands it over. Times in epoch ms; `tradeId` and `sequence` are safe integers. */
export interface Tick {
  readonly symbol: string
  readonly eventTime: number
  readonly price: number
  readonly size: number
  readonly side: Side
  readonly tradeId: number
  readonly idOrder: IdOrder
  /** The vendor's order, else a numeric trade id, else the source's position; a hashed id is never an order. */
  readonly sequence: number
  /** One source of order: a connection of a feed, or a replay. */
  readonly line: string
  readonly ingestTime: number
}

/** Symbols that Redwick accepts: 1 to 32 of letters, digits and `: . _ / -`, beginning with a letter or digit. */
export const symbolPattern = /^[A-Za-z0-9][A-Za-z0-9:._/-]{0,31}$/

export const tickAvro = {
  type: 'record',
  name: 'Tick',
  namespace: 'redwick',
  fields: [
    { name: 'symbol', type: 'string' },
    { name: 'eventTime', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'price', type: 'double' },
    { name: 'size', type: 'double' },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['buy', 'sell', 'unknown'], default: 'unknown' } },
    { name: 'tradeId', type: 'long' },
    {
      name: 'idOrder',
      type: { type: 'enum', name: 'IdOrder', symbols: ['monotonic', 'unordered'], default: 'unordered' },
      default: 'monotonic',
    },
    { name: 'sequence', type: 'long' },
    { name: 'line', type: 'string', default: 'default' },
    { name: 'ingestTime', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 },
  ],
} as const
