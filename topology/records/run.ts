import { Registry } from 'prom-client'
import type { Log } from '../../ports/logger.ts'
import { messageOf } from '../../schemas/errors.ts'
import type { Config } from '../config.ts'
import { declareAtStart } from '../declaration.ts'
import { requireMoving, settled, startedOrStopped, stopAsked } from '../engine-host.ts'
import { createEngineMetrics, type ProcessMetrics } from '../engine-metrics.ts'
import { withPorts } from '../open-ports.ts'
import { startPageRelease } from '../page-release.ts'
import { systemClock } from '../system-clock.ts'
import { tellTotals } from '../totals.ts'
import type { RecordTopology } from './declaration.ts'
import { ensureTopic, type OpenStage, openTopology, type RecordPlatform } from './open-topology.ts'

/** What writes the records that a topology reads. */
export interface RecordFeed {
  /** Its topics, made where they are missing, and their partitions. */
  readonly topics: Readonly<Record<string, number>>
  /** Resolves when there are no more. */
  run(platform: RecordPlatform, signal: AbortSignal): Promise<void>
}

export interface RunRecordsOptions {
  readonly topology: RecordTopology
  readonly feed?: RecordFeed
  readonly config: Config
  readonly log: Log
  /** Ends when the feed has ended and everything is committed. */
  readonly untilEnd: boolean
  readonly signal: AbortSignal
  /** Everything that the feed wrote is committed, through every stage. */
  onSettled?(platform: RecordPlatform): Promise<void>
}

async function runStages(
  stages: readonly OpenStage[],
  platform: RecordPlatform,
  metrics: ReadonlyMap<string, ProcessMetrics>,
  options: RunRecordsOptions,
): Promise<void> {
  const { feed, log, untilEnd, signal, onSettled } = options
  const feeding = new AbortController()
  const stopped = stopAsked(signal)
  const start = async (): Promise<void> => {
    for (const { engine } of stages) await engine.start()
  }
  const work = async (): Promise<void> => {
    if (signal.aborted) return
    await feed?.run(platform, feeding.signal)
    if (feeding.signal.aborted || !(untilEnd || onSettled !== undefined)) return stopped
    const { admin } = platform.broker
    // Upstream before downstream.
    for (const { declaration, topic, engine } of stages) {
      const others = { store: platform.store, stage: declaration.name }
      await settled([engine], { admin, topic, others }, platform.clock, feeding.signal)
    }
    if (feeding.signal.aborted) return
    for (const [stage, { totals }] of metrics) tellTotals(log, totals, stage)
    if (untilEnd) requireMoving(stages.map(({ engine }) => engine))
    await onSettled?.(platform)
    return untilEnd ? undefined : stopped
  }
  const endRelease = startPageRelease(platform)
  try {
    await startedOrStopped(platform.clock, start(), stopped)
    log('info', 'running', {
      topology: options.topology.name,
      stages: stages.map(({ declaration }) => declaration.name),
    })
    await Promise.race([work(), stopped, ...stages.map(({ engine }) => engine.failed)])
  } finally {
    log('info', 'stopping')
    endRelease()
    feeding.abort()
    // All at once: each may have to wait for its group.
    const didNot = (error: unknown): void => log('warn', 'an engine did not stop', { why: messageOf(error) })
    await Promise.all(stages.map(({ engine }) => engine.stop().catch(didNot)))
  }
}

/**
 * Runs a topology of records: all of its stages in this process, beside those of other processes in the same groups.
 *
 * @throws {RedwickError} With the exit code that fits.
 */
export async function runRecords(options: RunRecordsOptions): Promise<void> {
  const { config, log, topology, feed } = options
  const clock = systemClock
  await withPorts({ config, clock, log }, ['broker', 'registry', 'store'], async (ports) => {
    const platform: RecordPlatform = { ...ports, clock, log, prefix: config.TOPIC_PREFIX }
    for (const [topic, partitions] of Object.entries(feed?.topics ?? {}))
      await ensureTopic(platform.broker, `${platform.prefix}${topic}`, partitions)
    await declareAtStart(platform.store, topology)
    const metrics = new Map<string, ProcessMetrics>()
    const metricsOf = (stage: string): ProcessMetrics => {
      const made = createEngineMetrics(new Registry())
      metrics.set(stage, made)
      return made
    }
    const stages = await openTopology({ ...platform, topology, metricsOf })
    await runStages(stages, platform, metrics, options)
  })
}
