import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Broker, OutgoingRecord, StoredRecord } from '../../ports/broker.ts'
import type { Candle } from '../../schemas/candle.ts'
import { decimalText } from '../../schemas/decimal-text.ts'
import { intervalName } from '../../schemas/intervals.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { TopicNames } from '../../schemas/topics.ts'
import { createPostgresStore } from '../../sinks/postgres/postgres-store.ts'
import type { Codecs } from '../../topology/codecs.ts'
import { asOracle, type OracleCandle } from '../oracle.ts'
import { keyOf } from '../simulation/reference.ts'
import { createTopicWatch } from '../simulation/topic-watch.ts'
import type { ClientChannel } from '../stream-client.ts'
import { type LogOracle, oracleOf } from './log-oracle.ts'
import { msUntil, wholeTopic } from './observe.ts'
import type { StreamWatch } from './stream-watch.ts'
import type { Known } from './workload.ts'

const pollMs = 250
/** Of each kind: more say nothing more. */
const toldMax = 5
/** What the server ends by itself is ended by then; who is idle in a transaction later, for so long, leaks them. */
const calmMs = 6_000
const idleInTransactionMs = 500
const looks = 20

/** Polls until it holds, or the time is over. */
const settled = (isSo: () => Promise<boolean>, timeoutMs: number): Promise<boolean> =>
  msUntil('it is so', () => isSo().catch(() => false), timeoutMs, pollMs).then(
    () => true,
    () => false,
  )

export interface Subject {
  readonly broker: Broker
  /** Of the run's database, without a proxy. */
  readonly databaseUrl: string
  readonly topics: TopicNames
  readonly codecs: Codecs
  readonly known: ReadonlyMap<string, Known>
  /** How often each record was acknowledged to who sent it. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** When the last trouble was taken away: `performance.now()`. */
  readonly mendedAt: number
  /** The store was set back on the way. */
  readonly isRestored?: boolean
  readonly streams: readonly StreamWatch[]
}

/** A record of the log, told by where and what it is. */
const identityOf = ({ partition, value }: Pick<OutgoingRecord, 'partition' | 'value'>): string =>
  `${partition} ${Buffer.from(value ?? []).toString('hex')}`

/** Counts records that were acknowledged. */
export function noteAcknowledged(acknowledged: Map<string, number>, records: readonly OutgoingRecord[]): void {
  for (const record of records) acknowledged.set(identityOf(record), (acknowledged.get(identityOf(record)) ?? 0) + 1)
}

export interface Verdict {
  readonly violations: readonly string[]
  readonly oracle: LogOracle
  readonly committed: boolean
}

function compareLists(
  what: string,
  got: readonly string[],
  wanted: readonly string[],
  tell: (line: string) => void,
): void {
  const [sorted, expected] = [[...got].sort(), [...wanted].sort()]
  if (String(sorted) === String(expected)) return
  const missing = expected.filter((one) => !sorted.includes(one))
  const more = sorted.filter((one, i) => !expected.includes(one) || sorted[i - 1] === one)
  tell(
    `${what}: ${sorted.length}, not ${expected.length}; missing ${missing.slice(0, toldMax)}; too many ${more.slice(0, toldMax)}`,
  )
}

/** What was acknowledged is in the log, and nothing of the log was passed over on the way to us. */
function compareLog(
  log: ReadonlyMap<number, readonly StoredRecord[]>,
  acknowledged: ReadonlyMap<string, number>,
  tell: (line: string) => void,
) {
  const found = new Map<string, number>()
  for (const [partition, records] of log)
    for (const [i, { offset, value }] of records.entries()) {
      if (offset !== i) return tell(`offset ${i} of partition ${partition} was not given to us`)
      const identity = identityOf({ partition, value })
      found.set(identity, (found.get(identity) ?? 0) + 1)
    }
  const lost = [...acknowledged].filter(([identity, count]) => (found.get(identity) ?? 0) < count)
  if (lost.length > 0) tell(`${lost.length} acknowledged records are not in the log, or not as often: ${lost[0]?.[0]}`)
}

/** Each row has a place of its own in the sequence of its partition. */
function compareSequence(table: ReadonlyMap<string, Candle>, partitions: number, tell: (line: string) => void) {
  const places = new Map<string, string>()
  for (const [key, { symbol, seq }] of table) {
    const place = `${partitionOfKey(symbol, partitions)}@${seq}`
    const other = places.get(place)
    if (seq < 1 || other !== undefined)
      return tell(`${key} has seq ${seq}${other === undefined ? '' : `, as ${other}`}`)
    places.set(place, key)
  }
}

function compareTable(
  table: ReadonlyMap<string, Candle>,
  wanted: readonly OracleCandle[],
  tell: (line: string) => void,
): void {
  let told = 0
  const differs = (line: string): void => {
    if (told++ < toldMax) tell(line)
  }
  if (table.size !== wanted.length) tell(`the table has ${table.size} rows, the oracle ${wanted.length}`)
  for (const row of wanted) {
    const found = table.get(keyOf(row))
    if (found === undefined) differs(`${keyOf(row)} is missing`)
    else {
      const got = asOracle(found)
      for (const [field, value] of Object.entries(row))
        if (got[field as keyof typeof got] !== value)
          differs(`${keyOf(row)}: ${field} is ${got[field as keyof typeof got]}, the oracle says ${value}`)
      // Each of its ticks made or changed it, once; nothing else does here.
      if (found.revision !== row.trades || !found.final)
        differs(`${keyOf(row)}: revision ${found.revision} of ${row.trades} trades`)
    }
  }
}

/** What a client holds of a channel differs from the table's rows of it. */
function channelDiffers(
  { symbol, interval, finals, open, e, q, snapshots, updates, heard }: ClientChannel,
  table: ReadonlyMap<string, Candle>,
): string | undefined {
  const rows = [...table.values()].filter((row) => row.symbol === symbol && intervalName(row.interval) === interval)
  const text = (list: readonly (readonly unknown[])[]): string =>
    JSON.stringify([...list].sort((a, b) => Number(a[0]) - Number(b[0])))
  const wanted = text(
    rows.map(({ start, open: first, high, low, close, volume, trades }) => [
      ...[start, ...[first, high, low, close, volume].map(decimalText), trades],
    ]),
  )
  if (open.size > 0) return `${symbol} ${interval}: ${open.size} candles are open`
  const held = text([...finals.values()])
  if (held === wanted) return undefined
  const places = rows.map(({ start, seq, revision }) => `${start} (${seq}, revision ${revision})`)
  return `${symbol} ${interval}: a client holds ${finals.size} candles, the table ${rows.length}; it is at ${e}/${q} after ${snapshots} snapshots and ${updates} updates; the table's rows: ${places}; it heard: ${heard.join('; ')}`
}

/** Waits until the platform has done all there is to do, and compares it with what the log says. */
export async function judge(subject: Subject, waitMs: number): Promise<Verdict> {
  const { broker, databaseUrl, topics, codecs, known, acknowledged, streams, mendedAt, isRestored = false } = subject
  const violations: string[] = []
  const violation = (what: string): void => void violations.push(what)
  const database = new Client({ connectionString: databaseUrl })
  database.on('error', () => undefined)
  await database.connect()
  const rows = async (text: string): Promise<string[][]> =>
    (await database.query<string[]>({ text, rowMode: 'array' })).rows.map((row) => row.map(String))
  const store = await createPostgresStore({ url: databaseUrl })
  try {
    const ends = [...(await broker.admin.offsets(topics.ticks))].map(
      ([partition, { latest }]) => `${partition} ${latest}`,
    )
    const positions = async (): Promise<string[]> =>
      (await rows(`SELECT partition, next_offset FROM partitions WHERE topology = 'candles' ORDER BY 1`)).map((row) =>
        row.join(' '),
      )
    const committed = await settled(async () => String((await positions()).sort()) === String(ends.sort()), waitMs)
    if (!committed) violation(`not all is committed after ${waitMs} ms: ${await positions()}, the log ends at ${ends}`)

    const log = await wholeTopic(broker, topics.ticks)
    compareLog(log, acknowledged, violation)
    const oracle = oracleOf(log, known)
    if (oracle.used === 0) violation('no tick was fed: nothing was compared')
    const table = new Map<string, Candle>()
    for await (const page of store.scan({})) for (const row of page) table.set(keyOf(row), row)
    compareTable(table, oracle.candles, violation)
    compareSequence(table, log.size, violation)
    const letters = await rows('SELECT partition, record_offset, reason FROM dead_letters')
    const lettersOf = (list: readonly (readonly string[])[]): string[] =>
      list.map(([partition, offset, reason]) => `${partition}@${offset} ${reason}`)
    compareLists('dead letters', lettersOf(letters), oracle.refused, violation)
    const skipped = await rows('SELECT partition, reason, sum(count) FROM late_ranges GROUP BY 1, 2')
    const skippedOf = (list: Iterable<readonly [string, number | string]>): string[] =>
      [...list].map(([what, count]) => `${what} ${count}`)
    const counted = skipped.map(([partition, reason, count]) => [`${partition} ${reason}`, count ?? ''] as const)
    compareLists('late and repeated', skippedOf(counted), skippedOf(oracle.skipped), violation)

    const isPublished = async (): Promise<readonly string[]> => {
      const found: string[] = []
      const watch = createTopicWatch({ codecs, table, isRestored, violation: (what) => found.push(what) })
      for (const [topic, take] of [
        [topics.candlesLive, watch.takeLive],
        [topics.candles, watch.takeFinal],
      ] as const)
        for (const [partition, records] of await wholeTopic(broker, topic, topic === topics.candles))
          for (const record of records) take(partition, record)
      for (const [key, { revision }] of table) {
        const [told, published] = [watch.told.get(key), watch.published.get(key)]
        if (told !== revision) found.push(`${key} was told at revision ${told}, stored is ${revision}`)
        if (published !== revision) found.push(`${key} was published at revision ${published}, stored is ${revision}`)
      }
      for (const [partition, records] of await wholeTopic(broker, topics.deadLetters, true))
        for (const record of records) watch.takeLetter(partition, record)
      compareLists('dead letters on their topic', [...watch.letters], oracle.refused, (line) => found.push(line))
      return found
    }
    let unpublished: readonly string[] = []
    await settled(async () => {
      unpublished = await isPublished()
      return unpublished.length === 0
    }, 20_000)
    violations.push(...unpublished.slice(0, toldMax))

    const held = (): string[] =>
      streams.flatMap((stream) =>
        stream.channels().length !== stream.wanted
          ? [`a client holds ${stream.channels().length} of ${stream.wanted} channels`]
          : stream.channels().flatMap((channel) => channelDiffers(channel, table) ?? []),
      )
    if (!(await settled(async () => held().length === 0, 30_000))) violations.push(...held().slice(0, 30))
    for (const stream of streams) violations.push(...stream.violations.slice(0, toldMax))
    const idleLong = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
      AND state LIKE 'idle in transaction%' AND now() - state_change > interval '${idleInTransactionMs} ms'`
    await sleep(Math.max(0, mendedAt + calmMs - performance.now()))
    for (let i = 0; i < looks; i++, await sleep(pollMs)) {
      const [idle] = await rows(idleLong)
      if (idle?.[0] === '0') continue
      violation(`${idle?.[0]} connections are idle in a transaction`)
      break
    }
    return { violations, oracle, committed }
  } finally {
    await store.close()
    await database.end()
  }
}
