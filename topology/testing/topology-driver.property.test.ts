import fc from 'fast-check'
import { expect, it } from 'vitest'
import { countEvents } from '../../processors/core/windows/aggregate.ts'
import { aggregate } from '../../processors/operators/aggregate.ts'
import { filter } from '../../processors/operators/filter.ts'
import { keyBy } from '../../processors/operators/key-by.ts'
import { tumblingWindows } from '../../processors/operators/windows.ts'
import { type ExampleJob, sessionsJob, spreadJob } from '../../test/example-jobs.ts'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { toTable } from '../records/sinks.ts'
import { topic } from '../sources.ts'
import { topology } from '../topology.ts'
import { topologyDriver } from './topology-driver.ts'

/** What happens between two pieces of the input; `stage` and `partition` say where, for the first three. */
interface Event {
  readonly event: 'commit' | 'crash' | 'die' | 'commit all' | 'crash all' | 'wait'
  readonly stage: number
  readonly partition: number
}

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.record({
    event: fc.constantFrom('commit', 'crash', 'die', 'commit all', 'crash all', 'wait'),
    stage: fc.nat(2),
    partition: fc.nat(4),
  }),
  { maxLength: 24 },
)

interface World {
  /** Of the interleaving; undefined: in turn. */
  readonly seed: number | undefined
  readonly partitions: number
  readonly events: readonly Event[]
}

const worlds: fc.Arbitrary<World> = fc.record({
  seed: fc.option(fc.integer(), { nil: undefined }),
  partitions: fc.integer({ min: 1, max: 5 }),
  events,
})

const count = 250
/** Behind everything that the topologies read. */
const startMs = 1_700_000_000_000 + 3 * 3_600_000

function agrees<T extends object>(job: ExampleJob<T>, source: string, input: number, world: World): void {
  const { partitions, seed } = world
  const driver = topologyDriver(job.topology, { partitions, startMs, ...(seed === undefined ? {} : { seed }) })
  const records = job.records(input, count, partitions)
  const each = Math.ceil(records.length / (world.events.length + 1))
  for (let i = 0; i * each < records.length; i++) {
    driver.pipe(source, records.slice(i * each, (i + 1) * each))
    const happening = world.events[i]
    if (happening === undefined) continue
    if (happening.event === 'wait') driver.advanceWallClock('3s')
    else if (happening.event === 'commit all') driver.commit()
    else if (happening.event === 'crash all') driver.crash()
    else {
      const { event, partition } = happening
      const stage = driver.stages[happening.stage % driver.stages.length] as string
      if (event === 'crash') driver.crash({ stage, partition })
      else driver.commit({ stage, partition, dies: event === 'die' })
    }
  }
  driver.commit()
  // Partitions that nothing came to hold nothing up.
  for (let i = 0; i < driver.stages.length; i++) {
    driver.advanceWallClock('3s')
    driver.commit()
  }
  expect(driver.alarms()).toEqual([])
  expect(driver.deadLetters()).toEqual([])
  expect(driver.counts().filter(({ breach }) => breach !== 0)).toEqual([])
  const late = driver.late()
  // A partition that was idle is heard of again when it commits: what others committed before may have moved time past
  // what it says then. That is counted; without a wait nothing may be late.
  if (late.length > 0 && world.events.some(({ event }) => event === 'wait')) return
  expect(late).toEqual([])
  expect(driver.table(job.table)).toEqual(job.oracle(records))
  expect(driver.table(job.table).length).toBeGreaterThan(5)
}

const runs = propertyRuns(50)

// Goal: batch boundaries, the interleaving of partitions, crashes at any point and the number of partitions change nothing.
// Method: generated input x seeds of interleaving x commits, crashes and silences anywhere x 1 to 5 partitions; the table must be the oracle's.
it(
  'a re-keyed topology equals its oracle however it is cut, interleaved, crashed and partitioned',
  () => {
    fc.assert(
      fc.property(fc.integer(), worlds, (input, world) => agrees(sessionsJob, 'examples.views', input, world)),
      runs,
    )
  },
  propertyMsMax,
)

it(
  'a windowed join of two streams equals its oracle however it is cut, interleaved, crashed and partitioned',
  () => {
    fc.assert(
      fc.property(fc.integer(), worlds, (input, world) => agrees(spreadJob, 'examples.ticks', input, world)),
      runs,
    )
  },
  propertyMsMax,
)

const hop = <const Name extends string>(name: Name) => ({ name, type: 'string' }) as const
const hopAvro = {
  type: 'record',
  name: 'Hop',
  fields: [hop('first'), hop('second'), hop('third'), { name: 'at', type: 'long' }],
} as const

/** Counts by the third key, through two internal topics of other partition counts. */
const hops = topology('hops', {
  source: topic('hops', { schema: hopAvro, key: 'first', eventTime: 'at' }),
  watermark: { outOfOrderness: '1s', idleAfter: '2s', futureBound: '60s' },
})
  .pipe(
    keyBy('by-second', { key: ({ second }) => second, partitions: 3 }),
    filter(({ second }) => second !== 's0'),
    keyBy('by-third', { key: ({ third }) => third, partitions: 2 }),
    aggregate('counts', { window: tumblingWindows('1m'), allowedLateness: '10m', aggregate: countEvents }),
  )
  .to(
    toTable('counts', {
      columns: { third: 'text', start: 'timestamptz', n: 'int8' },
      key: ['third', 'start'],
      row: ({ start, value }, { key }) => ({ third: key, start, n: value }),
    }),
  )

const hopsJob: ExampleJob<{ first: string; second: string; third: string; at: number }> = {
  ...{ file: '', topology: hops, table: 'counts' },
  records(seed, length) {
    const one = (i: number, at: number) => {
      const n = Math.abs(Math.imul(seed ^ i, 0x9e3779b1)) >>> 7
      return { first: `f${n % 7}`, second: `s${n % 5}`, third: `t${n % 4}`, at }
    }
    const atMs = 1_700_000_000_000 - length * 1000
    return Array.from({ length }, (_, i) => one(i, atMs + i * 1000))
  },
  publisher: () => Promise.reject(new Error('driven only')),
  oracle(records) {
    const rows = new Map<string, { third: string; start: number; n: number }>()
    for (const { second, third, at } of records) {
      if (second === 's0') continue
      const start = Math.floor(at / 60_000) * 60_000
      const row = rows.get(`${third} ${start}`) ?? { third, start, n: 0 }
      rows.set(`${third} ${start}`, { ...row, n: row.n + 1 })
    }
    const last = Math.max(...records.map(({ at }) => at)) - 1001
    return [...rows.values()]
      .filter(({ start }) => start + 59_999 <= last)
      .sort((a, b) => (a.third < b.third ? -1 : a.third > b.third ? 1 : a.start - b.start))
  },
}

it(
  'a topology with two re-keyings equals its oracle however it is cut, interleaved, crashed and partitioned',
  () => {
    fc.assert(
      fc.property(fc.integer(), worlds, (input, world) => agrees(hopsJob, 'hops', input, world)),
      runs,
    )
  },
  propertyMsMax,
)
