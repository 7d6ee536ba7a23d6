import { Client } from 'pg'
import type { Broker } from '../../ports/broker.ts'
import type { Candle } from '../../schemas/candle.ts'
import { decimalText } from '../../schemas/decimal-text.ts'
import { intervalName } from '../../schemas/intervals.ts'
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
const idleMsMax = 10_000

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
  readonly streams: readonly StreamWatch[]
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
    }
  }
}

/** What a client holds of a channel differs from the table's rows of it. */
function channelDiffers(
  { symbol, interval, finals, open, e, q, snapshots, updates }: ClientChannel,
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
  return `${symbol} ${interval}: a client holds ${finals.size} candles, the table ${rows.length}; it is at ${e}/${q} after ${snapshots} snapshots and ${updates} updates`
}

/** Waits until the platform has done all there is to do, and compares it with what the log says. */
export async function judge(subject: Subject, waitMs: number): Promise<Verdict> {
  const { broker, databaseUrl, topics, codecs, known, streams } = subject
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

    const oracle = oracleOf(await wholeTopic(broker, topics.ticks), known)
    if (oracle.used === 0) violation('no tick was fed: nothing was compared')
    const table = new Map<string, Candle>()
    for await (const page of store.scan({})) for (const row of page) table.set(keyOf(row), row)
    compareTable(table, oracle.candles, violation)
    const letters = await rows('SELECT partition, record_offset, reason FROM dead_letters')
    const lettersOf = (list: readonly (readonly string[])[]): string[] =>
      list.map(([partition, offset, reason]) => `${partition}@${offset} ${reason}`)
    compareLists('dead letters', lettersOf(letters), oracle.refused, violation)
    const [skipped] = await rows('SELECT coalesce(sum(count), 0) FROM late_ranges')
    if (Number(skipped?.[0]) !== oracle.skipped)
      violation(`${skipped?.[0]} late and repeated, the oracle says ${oracle.skipped}`)
    // A takeover under way is in a transaction for a moment; what is left of another one is ended by the server.
    const idle = async (): Promise<string | undefined> =>
      (
        await rows(
          `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
        )
      )[0]?.[0]
    if (!(await settled(async () => (await idle()) === '0', idleMsMax)))
      violation(`${await idle()} connections are idle in a transaction`)

    const isPublished = async (): Promise<readonly string[]> => {
      const found: string[] = []
      const watch = createTopicWatch({ codecs, table, violation: (what) => found.push(what) })
      for (const [topic, take] of [
        [topics.candlesLive, watch.takeLive],
        [topics.candles, watch.takeFinal],
      ] as const)
        for (const [partition, records] of await wholeTopic(broker, topic))
          for (const record of records) take(partition, record)
      for (const [key, { revision }] of table) {
        const [told, published] = [watch.told.get(key), watch.published.get(key)]
        if (told !== revision) found.push(`${key} was told at revision ${told}, stored is ${revision}`)
        if (published !== revision) found.push(`${key} was published at revision ${published}, stored is ${revision}`)
      }
      const published = [...(await wholeTopic(broker, topics.deadLetters)).values()].flat()
      const told = new Set(
        published.map(({ headers }) => `${headers['partition']}@${headers['offset']} ${headers['reason']}`),
      )
      compareLists('dead letters on their topic', [...told], oracle.refused, (line) => found.push(line))
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
        stream.channels().length === 0
          ? ['a client holds nothing']
          : stream.channels().flatMap((channel) => channelDiffers(channel, table) ?? []),
      )
    if (!(await settled(async () => held().length === 0, 30_000))) violations.push(...held().slice(0, 30))
    for (const stream of streams) violations.push(...stream.violations.slice(0, toldMax))
    return { violations, oracle, committed }
  } finally {
    await store.close()
    await database.end()
  }
}
