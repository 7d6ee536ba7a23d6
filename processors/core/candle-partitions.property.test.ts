import fc from 'fast-check'
import { expect, it } from 'vitest'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { arrivals, arrived, candleKey, lineEnd } from '../../test/candle-logs.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { createTestPipeline, createTestWorker } from '../../test/pipeline.ts'
import { propertyRuns } from '../../test/property-runs.ts'

const partitions = 4

/** What happens next: a piece of a partition's log, then a commit, or a commit and the takeover by another worker. */
interface Turn {
  readonly partition: number
  readonly take: number
  readonly next: 'batch' | 'commit' | 'takeover'
}

const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({
    partition: fc.nat(partitions - 1),
    take: fc.integer({ min: 1, max: 30 }),
    next: fc.constantFrom('batch', 'commit', 'takeover'),
  }),
  { maxLength: 60 },
)

/** One partition, with all it has told: what a commit tells stands in no order of importance. */
function createPartition(
  partition: number,
  log: readonly LogEntry[],
  workers: readonly ReturnType<typeof createTestWorker>[],
) {
  const states: ReadonlyMap<string, Uint8Array>[] = []
  const commits: string[][] = []
  let at = 0
  let owner = partition
  const open = () =>
    createTestPipeline({ partition, partitions, states, worker: workers[owner % workers.length] ?? createTestWorker() })
  let pipeline = open()
  return {
    commits,
    take(count: number): void {
      pipeline.feed(log.slice(at, at + count))
      at = Math.min(log.length, at + count)
    },
    commit(): void {
      const { emitted, state } = pipeline.barrier(states.length === 0)
      states.push(state)
      commits.push(
        emitted
          .map(({ kind, candle }) => `${candleKey(candle)} ${kind} ${JSON.stringify({ ...candle, seq: 0 })}`)
          .sort((a, b) => (a < b ? -1 : 1)),
      )
    },
    takeover(): void {
      owner += 1
      pipeline = open()
    },
  }
}

// Goal: what a partition tells at each commit depends on its own log and commits alone.
// Method: 4 partitions in 1 to 5 workers, whose tables of symbols and lines they share, their pieces in any order, taken
// over by other workers at some commits; beside it each partition alone, in one process that nobody takes over.
it('neither the interleaving of partitions, nor the number of workers, nor a takeover changes what is committed', () => {
  fc.assert(
    fc.property(arrivals(300_000), turns, fc.integer({ min: 1, max: 5 }), (given, schedule, workerCount) => {
      const all = arrived(given, (one) => one.delayMs)
      const logs = Array.from({ length: partitions }, (_, p) => [
        ...all.filter((entry) => 'tick' in entry && partitionOfKey(entry.tick.symbol, partitions) === p),
        lineEnd,
      ])
      const last = logs.map((log, partition): Turn => ({ partition, take: log.length, next: 'commit' }))
      const whole = [...schedule, ...last]
      const workers = Array.from({ length: workerCount }, createTestWorker)
      const together = logs.map((log, p) => createPartition(p, log, workers))
      for (const { partition, take, next } of whole) {
        const one = together[partition]
        one?.take(take)
        if (next !== 'batch') one?.commit()
        if (next === 'takeover') one?.takeover()
      }
      for (const [p, log] of logs.entries()) {
        const alone = createPartition(p, log, [createTestWorker()])
        for (const { partition, take, next } of whole) {
          if (partition !== p) continue
          alone.take(take)
          if (next !== 'batch') alone.commit()
        }
        expect(together[p]?.commits).toEqual(alone.commits)
      }
    }),
    propertyRuns(100),
  )
})
