import { type Tick, tickAvro } from '../../schemas/tick.ts'
import { createRandom } from '../random.ts'
import type { RecordFeed } from '../records/run.ts'
import { generatedFeed } from './generated-feed.ts'

const venues = ['kraken', 'coinbase'] as const
const pairs = ['BTC-USD', 'ETH-USD', 'SOL-USD', 'XRP-USD', 'ADA-USD', 'DOGE-USD', 'LTC-USD', 'DOT-USD'] as const
/** Trades arrive up to this much out of order: within what the topology allows for. */
const disorderMs = 1500

/** Trades of the same pairs at two venues, in the order in which they arrive; the last is at `toMs`. */
export function generateTrades(options: {
  readonly seed: number
  readonly count: number
  readonly toMs: number
}): Tick[] {
  const { seed, count, toMs } = options
  const random = createRandom(seed)
  const whole = (below: number): number => Math.floor(random() * below)
  const ids = new Map<string, number>()
  const stepMs = 60
  const arrivals: { readonly arrivesAt: number; readonly tick: Tick }[] = []
  for (let i = 0; i < count; i++) {
    const eventTime = toMs - (count - i) * stepMs
    const line = venues[whole(venues.length)] ?? 'kraken'
    const symbol = `${line}:${pairs[whole(pairs.length)]}`
    const tradeId = (ids.get(symbol) ?? 0) + 1
    ids.set(symbol, tradeId)
    const price = Math.round((100 + 20 * Math.sin(i / 3000) + random() - (line === 'kraken' ? 0 : 0.2)) * 100) / 100
    const tick: Tick = {
      ...{ symbol, eventTime, price, size: (1 + whole(100)) / 100, side: random() < 0.5 ? 'buy' : 'sell' },
      ...{ tradeId, idOrder: 'monotonic', sequence: tradeId, line, ingestTime: eventTime },
    }
    arrivals.push({ arrivesAt: eventTime + whole(disorderMs), tick })
  }
  return arrivals.sort((a, b) => a.arrivesAt - b.arrivesAt).map(({ tick }) => tick)
}

/** Writes generated trades. */
export function tradesFeed(options: {
  readonly seed: number
  readonly count: number
  readonly partitions: number
}): RecordFeed {
  return generatedFeed({
    topic: 'examples.ticks',
    partitions: options.partitions,
    schema: tickAvro,
    key: (tick) => tick.symbol,
    generate: (toMs) => generateTrades({ ...options, toMs }),
  })
}
