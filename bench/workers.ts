import { setTimeout as sleep } from 'node:timers/promises'
import { invariant } from '../schemas/errors.ts'
import { createPostgresStore } from '../sinks/postgres/postgres-store.ts'
import { candles } from '../topology/candles.ts'
import { type Deployment, onDeployment } from './deployment.ts'
import type { Pass } from './engine-run.ts'
import { type BenchOptions, type BenchOutcome, type Measures, repeated, spreadOf } from './outcome.ts'
import { usageOf } from './process-usage.ts'

const ticksDefault = 10_000_000
const workerCounts = [1, 2, 4]
const lookEveryMs = 10

type Measured = Omit<Pass, 'ticksPerSecondFromStart'>

/** One pass over the backlog: from when every partition has been taken over to when every one is committed to its end. */
async function runWorkers({ services, topics, backlog, withEngine }: Deployment, workers: number): Promise<Measured> {
  const ends = await services.broker.admin.offsets(topics.ticks)
  return withEngine(['--workers', String(workers)], async (engine, databaseUrl) => {
    const store = await createPostgresStore({ url: databaseUrl })
    try {
      let takenAt = 0
      for (;;) {
        invariant(engine.process.exitCode === null, () => `the engine works to the end:\n${engine.stderr()}`)
        const positions = await store.positions(candles.name)
        if (takenAt === 0 && positions.length === ends.size) takenAt = performance.now()
        const isDone = positions.filter((one) => one.nextOffset === ends.get(one.partition)?.latest)
        if (isDone.length === ends.size) break
        await sleep(lookEveryMs)
      }
      const seconds = (performance.now() - takenAt) / 1000
      const { cpuMicros, rssMiB } = await usageOf(engine.process.pid ?? 0)
      return { ticksPerSecond: backlog.ticks / seconds, cpuMicrosPerTick: cpuMicros / backlog.ticks, rssMiB }
    } finally {
      await store.close()
    }
  })
}

/** `workers`: a backlog by one engine process with 1, 2 and 4 threads, in turns; a ratio is that to one thread in the same turn. */
export async function workers(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, partitions, runs, tell } = options
  return onDeployment(options, ticks, async (deployment) => {
    const turns = await repeated(runs, async (run) => {
      tell(run < 0 ? 'workers: warm-up' : `workers: turn ${run + 1} of ${runs}`)
      const turn: Measured[] = []
      // Up one time, down the next: what the machine gains or loses meanwhile falls on all alike.
      for (const count of run % 2 === 0 ? workerCounts : workerCounts.toReversed())
        turn.push(await runWorkers(deployment, count))
      return run % 2 === 0 ? turn : turn.toReversed()
    })
    const speeds = (i: number): number[] => turns.map((turn) => turn[i]?.ticksPerSecond ?? Number.NaN)
    const measuresOf = (i: number): Measures => ({
      ticksPerSecond: spreadOf(speeds(i)),
      ratio: spreadOf(speeds(i).map((speed, turn) => speed / (speeds(0)[turn] ?? Number.NaN))),
      cpuMicrosPerTick: spreadOf(turns.map((turn) => turn[i]?.cpuMicrosPerTick ?? Number.NaN)),
      rssMiB: spreadOf(turns.map((turn) => turn[i]?.rssMiB ?? Number.NaN)),
    })
    return {
      bench: 'workers',
      runs,
      measures: { ticks, partitions },
      cases: Object.fromEntries(workerCounts.map((count, i) => [`workers ${count}`, measuresOf(i)])),
    }
  })
}
