import type { OperatorFunction } from 'rxjs'
import type { Flow } from '../processors/core/stream-element.ts'
import type { Flag } from '../processors/core/stream-record.ts'
import { countEvents } from '../processors/core/windows/aggregate.ts'
import { aggregate } from '../processors/operators/aggregate.ts'
import { filter } from '../processors/operators/filter.ts'
import { map } from '../processors/operators/map.ts'
import { tumblingWindows } from '../processors/operators/windows.ts'
import { invariant } from '../schemas/errors.ts'
import { driveFlow } from '../topology/testing/flow-driver.ts'
import { type BenchOptions, type BenchOutcome, repeated, spreadOf } from './outcome.ts'

const recordsDefault = 500_000
const outOfOrdernessMs = 2000

interface Trade {
  readonly size: number
}

/** Records of many keys, 1 ms apart, with a watermark each 100: as a topic's door lets them in. */
function* input(records: number, keys: number): Generator<Flow<Trade>> {
  for (let i = 0; i < records; i++) {
    const record = {
      flag: 'event',
      key: `key-${i % keys}`,
      value: { size: (i % 97) + 1 },
      eventTime: i,
      offset: i,
    } as const
    yield { kind: 'rows', rows: record }
    if (i % 100 === 0) yield { kind: 'watermark', watermark: i - outOfOrdernessMs }
  }
}

/** @returns Records a second. */
function run<U, G extends Flag>(
  operator: OperatorFunction<Flow<Trade>, Flow<U, G>>,
  given: readonly Flow<Trade>[],
  records: number,
): number {
  const driver = driveFlow(operator)
  const started = performance.now()
  let out = 0
  for (const element of given) out += driver.push(element).length
  const seconds = (performance.now() - started) / 1000
  invariant(out > 0, 'something comes out')
  return records / seconds
}

/** `records`: operators on records, in memory, one record at a time; beside it `core` says what columns do. */
export async function records({ ticks = recordsDefault, symbols, runs }: BenchOptions): Promise<BenchOutcome> {
  const given = [...input(ticks, symbols)]
  const stateless: OperatorFunction<Flow<Trade>, Flow<number>> = (source) =>
    source.pipe(
      filter(({ size }: Trade) => size > 1),
      map(({ size }) => size * 2),
    )
  const windowed = aggregate<Trade, number>('counts', {
    ...{ window: tumblingWindows('1m'), allowedLateness: '1m', aggregate: countEvents },
  })
  const results = await repeated(runs, () => ({
    stateless: run(stateless, given, ticks),
    windowed: run(windowed, given, ticks),
  }))
  return {
    bench: 'records',
    runs,
    measures: { records: ticks, keys: symbols },
    cases: {
      'filter, map': { recordsPerSecond: spreadOf(results.map(({ stateless: speed }) => speed)) },
      'count by key and minute': { recordsPerSecond: spreadOf(results.map(({ windowed: speed }) => speed)) },
    },
  }
}
