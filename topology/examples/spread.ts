import { jsonCodec } from '../../processors/core/codec.ts'
import type { Aggregate } from '../../processors/core/windows/aggregate.ts'
import { aggregate } from '../../processors/operators/aggregate.ts'
import { deduplicate } from '../../processors/operators/deduplicate.ts'
import { filter } from '../../processors/operators/filter.ts'
import { joinWindowed } from '../../processors/operators/join-windowed.ts'
import { map } from '../../processors/operators/map.ts'
import { tickRecords } from '../../processors/operators/tick-records.ts'
import { tumblingWindows } from '../../processors/operators/windows.ts'
import { type Tick, tickAvro } from '../../schemas/tick.ts'
import { toTable } from '../records/sinks.ts'
import { coPartition, topic } from '../sources.ts'
import { topology } from '../topology.ts'
import { tradesFeed } from './trades.ts'

/** A trade of a pair at one venue. */
interface Trade {
  readonly pair: string
  readonly price: number
}

const watermark = { outOfOrderness: '2s', idleAfter: '2s', futureBound: '60s' } as const
const tradeOf = ({ symbol, price }: Tick): Trade => ({ pair: symbol.slice(symbol.indexOf(':') + 1), price })

/** The trades of one venue: symbols are `VENUE:PAIR`. */
const tradesAt = (venue: string) =>
  topology(`trades-${venue}`, {
    source: topic('examples.ticks', { schema: tickAvro, key: 'symbol', eventTime: 'eventTime' }),
    watermark,
  }).pipe(
    deduplicate(`once-${venue}`, { within: '10m' }),
    tickRecords(`trades-${venue}`),
    filter((tick) => tick.symbol.startsWith(`${venue}:`)),
    map(tradeOf),
  )

/** Spreads of a minute, in basis points of the price at the left venue. */
interface Spread {
  readonly matches: number
  readonly least: number
  readonly greatest: number
}

const spreadOf: Aggregate<number, Spread> = {
  ...jsonCodec<Spread>(),
  empty: { matches: 0, least: Number.MAX_VALUE, greatest: -Number.MAX_VALUE },
  add: ({ matches, least, greatest }, bps) => ({
    matches: matches + 1,
    least: Math.min(least, bps),
    greatest: Math.max(greatest, bps),
  }),
  merge: (a, b) => ({
    matches: a.matches + b.matches,
    least: Math.min(a.least, b.least),
    greatest: Math.max(a.greatest, b.greatest),
  }),
}

/** What a pair costs at one venue above another: trades of both that lie at most 250 ms apart, by minutes. */
export const spread = topology('spread', {
  source: coPartition('by-pair', {
    kraken: { stream: tradesAt('kraken'), key: (trade) => trade.pair },
    coinbase: { stream: tradesAt('coinbase'), key: (trade) => trade.pair },
  }),
  watermark,
})
  .pipe(
    joinWindowed('near', {
      left: 'kraken',
      right: 'coinbase',
      before: '250ms',
      after: '250ms',
      allowedLateness: '30s',
      codecs: { left: jsonCodec<Trade>(), right: jsonCodec<Trade>() },
      select: (kraken, coinbase) => ((coinbase.price - kraken.price) / kraken.price) * 10_000,
    }),
    aggregate('by-minute', { window: tumblingWindows('1m'), allowedLateness: '1m', aggregate: spreadOf }),
  )
  .to(
    toTable('venue_spread', {
      columns: { pair: 'text', minute: 'timestamptz', matches: 'int8', least_bps: 'float8', greatest_bps: 'float8' },
      key: ['pair', 'minute'],
      row: ({ start, value }, { key }) => ({
        ...{ pair: key, minute: start, matches: value.matches },
        ...{ least_bps: value.least, greatest_bps: value.greatest },
      }),
    }),
  )

export const feed = tradesFeed({ seed: 7, count: 40_000, partitions: 4 })
