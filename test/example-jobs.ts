import { partitionOfKey } from '../schemas/partitioner.ts'
import type { TableRow } from '../schemas/table.ts'
import { type Tick, tickAvro } from '../schemas/tick.ts'
import { sessions } from '../topology/examples/sessions.ts'
import { spread } from '../topology/examples/spread.ts'
import { generateTrades } from '../topology/examples/trades.ts'
import { generateViews, type PageView, viewAvro } from '../topology/examples/views.ts'
import type { RecordTopology } from '../topology/records/declaration.ts'
import type { RecordPlatform } from '../topology/records/open-topology.ts'
import { createRecordPublisher, type RecordPublisher } from '../topology/records/record-publisher.ts'
import { oracleSessions, oracleSpreads } from './example-oracles.ts'

/** An example topology with its input and what its table must hold in the end. */
export interface ExampleJob<T> {
  readonly file: string
  readonly topology: RecordTopology
  readonly table: string
  /** Generated input, and behind it records of hours later in each partition, so that time passes all of it. */
  records(seed: number, count: number, partitions?: number): T[]
  publisher(platform: Pick<RecordPlatform, 'broker' | 'registry' | 'prefix'>): Promise<RecordPublisher<T>>
  oracle(records: readonly T[]): TableRow[]
}

export const jobPartitions = 4
const lastMs = 1_700_000_000_000
const closedAt = lastMs + 3 * 3_600_000

/** One record for each partition. */
function closers<T>(partitions: number, key: (i: number) => string, make: (key: string) => T): T[] {
  const found = new Map<number, T>()
  for (let i = 0; found.size < partitions; i++) {
    const name = key(i)
    const partition = partitionOfKey(name, partitions)
    if (!found.has(partition)) found.set(partition, make(name))
  }
  return [...found.values()]
}

/** A topology with one re-keying. */
export const sessionsJob: ExampleJob<PageView> = {
  file: 'topology/examples/sessions.ts',
  topology: sessions,
  table: 'session_activity',
  records: (seed, count, partitions = jobPartitions) => [
    ...generateViews({ seed, count, toMs: lastMs }),
    ...closers(
      partitions,
      (i) => `/closed-${i}`,
      (page) => ({ page, user: `nobody-${page}`, at: closedAt, ms: 1 }),
    ),
  ],
  publisher: (platform) =>
    createRecordPublisher(platform, {
      ...{ topic: 'examples.views', partitions: jobPartitions, schema: viewAvro },
      key: (view) => view.page,
    }),
  oracle: (records) => oracleSessions(records, closedAt - 10_000 - 1),
}

/** A topology with a windowed join of two streams. */
export const spreadJob: ExampleJob<Tick> = {
  file: 'topology/examples/spread.ts',
  topology: spread,
  table: 'venue_spread',
  records: (seed, count, partitions = jobPartitions) => [
    ...generateTrades({ seed, count, toMs: lastMs }),
    ...['kraken', 'coinbase'].flatMap((line) =>
      closers(
        partitions,
        (i) => `${line}:NOBODY-${line}-${i}`,
        (symbol): Tick => ({
          ...{ symbol, eventTime: closedAt, price: 1, size: 1, side: 'buy', tradeId: 1, idOrder: 'monotonic' },
          ...{ sequence: 1, line, ingestTime: closedAt },
        }),
      ),
    ),
  ],
  publisher: (platform) =>
    createRecordPublisher(platform, {
      ...{ topic: 'examples.ticks', partitions: jobPartitions, schema: tickAvro },
      key: (tick) => tick.symbol,
    }),
  oracle: (records) => oracleSpreads(records, closedAt - 2000 - 1),
}
