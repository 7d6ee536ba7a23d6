import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { invariant } from '../schemas/errors.ts'
import { createDatabase } from '../test/services/postgres.ts'
import type { BrokerClient } from '../topology/config.ts'
import type { BenchCandles } from './bench-engine.ts'
import type { Backlog } from './kafka-backlog.ts'
import { nodeOptions } from './own-process.ts'

const exec = promisify(execFile)
const runMsMax = 300_000

const engineRun = z.object({
  /** Epoch ms: at the engine's first batch, and when everything is committed and published. */
  firstRecordAt: z.number(),
  committedAt: z.number(),
  /** Of the whole process so far. */
  cpuMicros: z.number(),
  rssMiB: z.number(),
  used: z.number(),
  late: z.number(),
  duplicate: z.number(),
  rejected: z.number(),
  /** One-minute candles in the store, and the trades in them. */
  candles: z.number(),
  trades: z.number(),
})
/** What the engine's process tells of its run. */
export type EngineRun = z.infer<typeof engineRun>

/** One pass over a backlog, by an engine or by a peer. */
export interface Pass {
  /** First record to the last result. */
  readonly ticksPerSecond: number
  /** Start of the process to the last result. */
  readonly ticksPerSecondFromStart: number
  readonly cpuMicrosPerTick: number
  readonly rssMiB: number
}

export interface EngineRunOptions {
  readonly brokers: string
  readonly postgresUrl: string
  readonly prefix: string
  readonly backlog: Backlog
}

let passes = 0

/**
 * Works a backlog off once, in a new process, into a new database, and checks what is stored.
 *
 * @throws {InvariantViolation} When the stored candles are not those of the backlog.
 */
export async function runEngine(
  { brokers, postgresUrl, prefix, backlog }: EngineRunOptions,
  client: BrokerClient,
  candles: BenchCandles = 'all',
): Promise<Pass> {
  const database = await createDatabase(postgresUrl)
  const child = join(import.meta.dirname, 'engine-child.ts')
  const startedAt = Date.now()
  try {
    const { stdout } = await exec(
      process.execPath,
      [...nodeOptions, child, brokers, database.url, prefix, `${prefix}pass-${++passes}`, candles],
      { timeout: runMsMax, env: { ...process.env, BROKER_CLIENT: client } },
    )
    const run = engineRun.parse(JSON.parse(stdout))
    const { ticks, baseCandles } = backlog
    invariant(
      run.used === ticks && run.trades === ticks && run.candles === baseCandles,
      `${ticks} ticks make ${baseCandles} candles, was ${stdout.trim()}`,
    )
    return {
      ticksPerSecond: ticks / ((run.committedAt - run.firstRecordAt) / 1000),
      ticksPerSecondFromStart: ticks / ((run.committedAt - startedAt) / 1000),
      cpuMicrosPerTick: run.cpuMicros / ticks,
      rssMiB: run.rssMiB,
    }
  } finally {
    await database.drop()
  }
}
