import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { resultsDir } from './save.ts'
import { suites } from './suites.ts'

const spread = z.object({ min: z.number(), median: z.number(), max: z.number() })
const measure = z.union([spread, z.number(), z.string()])
type Measure = z.infer<typeof measure>

const result = z
  .object({
    bench: z.string(),
    cases: z.record(z.string(), z.record(z.string(), measure)).optional(),
    runs: z.number(),
    command: z.string(),
    host: z.object({ cpu: z.string(), cores: z.number(), node: z.string(), platform: z.string() }),
    commit: z.string(),
    date: z.string(),
  })
  .catchall(measure)
type Result = z.infer<typeof result>

const page = join(import.meta.dirname, '..', 'docs', 'benchmarks.md')

const whatItMeasures = new Map([
  [
    'core',
    'Encoded ticks in memory to candles on one core: decode, admit, deduplicate, 1 m windows and six roll-ups, with a pulse each 100 ms and a barrier (finals out, state written) each second of work and at the end. The input lies in memory and counts into RSS.',
  ],
  ['decode', 'Framed Avro values to columns: the reader compiled from the schema, and the general one through avsc.'],
  [
    'late',
    'The input of `core`, and the same ticks after one that is a day ahead, so that each is late and goes into a range: in turns of the two, the ratio of their speeds.',
  ],
  [
    'records',
    'Operators on records, in memory and one record at a time, of as many keys as `--symbols` says, with a watermark each 100 records: two stateless steps, and a count by key and minute.',
  ],
  ['store', 'Commits one after the other, each of new candles, offsets and 16 KiB of state; every commit is durable.'],
  [
    'gateway',
    '1,000 WebSocket clients in another process, each on 10 of 100 channels; every channel is updated once in a burst, as by the pulse of the engine. Deliveries are counted by the clients. In turns with bare uWebSockets.js and with `ws`, which are given the texts and do nothing else; a ratio is ours over theirs in a turn.',
  ],
  [
    'api',
    'Pages of history (`/v1/ohlcv`) of 100 symbols from PostgreSQL, by 16 connections of another process, each of which asks again as soon as it is answered; gateway, database and clients share the cores.',
  ],
  [
    'end-to-end',
    'Kafka to PostgreSQL with a checkpoint each second, exactly once: from the first record to the last commit, its finals published. Through the client of ours (`fast`) and through kafkajs, in turns over the same log; the ratio is that of a turn. The engine is a process of its own; broker and database share the cores with it.',
  ],
  [
    'consume',
    'A backlog in Kafka to columns, with nothing done to them, by each client in turn; broker and reader share the cores.',
  ],
  [
    'memory',
    'Greatest resident memory of an engine that works a backlog off, from Kafka to PostgreSQL, as in `end-to-end`. Its snapshot, which Redis has otherwise, lies in its memory and counts.',
  ],
  [
    'startup',
    'From the start of the process (`topology --role engine`, on Kafka, a registry, PostgreSQL and Redis) with a backlog to read, to the first candle that a client of the database sees; the tables are made on the way. The database is new each time; the group has offsets of an earlier one, but in the warm-up.',
  ],
  [
    'sweep',
    'How speed changes with one setting at a time: symbols, intervals (the base and so many roll-ups), length of the window (no roll-ups) and rows of a batch in the engine core as in `core`; partitions as in `end-to-end`.',
  ],
  [
    'workers',
    'One process (`topology --role engine --workers N`) on Kafka, a registry, PostgreSQL and Redis works a backlog off: from when it has taken every partition over to when all is committed. The ratio is that to one worker in the same turn. Broker and database share the cores, so that it cannot reach the number of workers.',
  ],
  [
    'latency',
    'From when a tick is due, 20,000 a second, to when the broker has appended the first candle on `candles.live` that counts it, of every tick; `Read`: to when a reader has it, in the process of the sender. Broker, database, engine, sender and reader share the cores.',
  ],
  [
    'engines',
    'One-minute candles of the same ticks: ours from Kafka to PostgreSQL and a topic, exactly once, with a checkpoint each second; Flink and Kafka Streams (the peers folder) to a topic, at least once, with a checkpoint or commit each second; all end at the one that makes the set complete. Each pass is a new process. In each turn ours runs first and last, each of theirs twice between; the ratio is that of a turn, ours over theirs. A second row is ours with its six roll-ups. Ours reads the larger record of its own schema, and drops repeated trades.',
  ],
  ['engines-exactly-once', 'The same with the exactly-once modes of Flink and Kafka Streams.'],
  [
    'peers',
    'The same ticks through the hand-written kafkajs loop of the peers folder (no recovery, no exactly-once, candles to a topic) and through `end-to-end`, on the same Node. In each turn ours runs first and last and theirs twice between; the ratio is that of a turn. Ours reads the larger record of its own schema.',
  ],
])

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)).join(' | ')} |`
}

function rows(name: string, measures: Readonly<Record<string, Measure>>): string[] {
  return Object.entries(measures).map(([measureName, value]) =>
    typeof value === 'object'
      ? row([name, measureName, value.min, value.median, value.max])
      : row([name, measureName, '', value, '']),
  )
}

/** Of cases whose names differ in their last word only, a chart of their speeds. */
function charts(cases: NonNullable<Result['cases']>): string[] {
  const swept = new Map<string, [value: string, speed: number][]>()
  for (const [name, { ticksPerSecond }] of Object.entries(cases)) {
    const [, what, value] = /^(\w+) (\d\w*)$/.exec(name) ?? []
    if (what === undefined || value === undefined || typeof ticksPerSecond !== 'object') continue
    swept.set(what, [...(swept.get(what) ?? []), [value, ticksPerSecond.median]])
  }
  return [...swept].flatMap(([what, points]) => [
    '',
    '```mermaid',
    'xychart-beta',
    `  title "ticks a second by ${what}"`,
    `  x-axis [${points.map(([value]) => `"${value}"`).join(', ')}]`,
    `  y-axis "ticks a second" 0 --> ${Math.max(...points.map(([, speed]) => speed))}`,
    `  line [${points.map(([, speed]) => speed).join(', ')}]`,
    '```',
  ])
}

function section(one: Result): string {
  const { bench, cases = {}, runs, command, host, commit, date, ...measures } = one
  return [
    `## ${bench}`,
    '',
    whatItMeasures.get(bench) ?? '',
    '',
    `\`${command}\` · ${runs} runs after a warm-up · commit ${commit} · ${date.slice(0, 16).replace('T', ' ')} UTC`,
    '',
    `${host.cpu}, ${host.cores} cores, Node ${host.node}, ${host.platform}`,
    '',
    '| case | measure | min | median | max |',
    '|---|---|---:|---:|---:|',
    ...rows('', measures),
    ...Object.entries(cases).flatMap(([name, each]) => rows(name, each)),
    ...charts(cases),
  ].join('\n')
}

/** Writes `docs/benchmarks.md` from every kept result. @returns Its path. */
export async function writeReport(): Promise<string> {
  const order = [...suites.keys()]
  const files = (await readdir(resultsDir)).filter((file) => file.endsWith('.json'))
  const results = await Promise.all(
    files.map(async (file) => result.parse(JSON.parse(await readFile(join(resultsDir, file), 'utf8')))),
  )
  results.sort((a, b) => order.indexOf(a.bench) - order.indexOf(b.bench))
  const text = [
    '# Benchmarks',
    '',
    'Generated by `npm run bench -- report` from `bench/results`; written by no hand. Figures of different hosts or dates',
    'do not compare: the same run differs from hour to hour on a shared machine.',
    '',
    results.map(section).join('\n\n'),
    '',
  ]
  await writeFile(page, text.join('\n'))
  return 'docs/benchmarks.md'
}
