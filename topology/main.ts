import { Registry } from 'prom-client'
import { requireAuthForAddress } from '../gateway/access.ts'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Feed } from '../ports/feed.ts'
import type { Log } from '../ports/logger.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'
import { topicNames } from '../schemas/topics.ts'
import { type AdapterContext, lockDataDir, openBroker, openRegistry, openSnapshot, openStore } from './adapters.ts'
import { candles } from './candles.ts'
import { createCodecs } from './codecs.ts'
import type { Context, RunOptions } from './context.ts'
import { createCandleEngine } from './engine-factory.ts'
import { committedThrough, type EngineHost } from './engine-host.ts'
import { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts'
import { makeFeed, runFeed } from './feed-role.ts'
import { startGateway } from './gateway-role.ts'
import { ensureLogEnd } from './log-end.ts'
import { systemClock } from './system-clock.ts'
import { ensureTopics } from './topics.ts'
import { createWorkerHost } from './worker-host.ts'

/** Roles on their own meet over real services; the embedded ones live in one process. */
function requireServices({ config, role }: RunOptions): void {
  if (role === 'all') return
  const needed = ['REDPANDA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'] as const
  const missing = needed.filter((name) => config[name] === undefined)
  if (missing.length === 0) return
  throw new FatalError({
    code: 'CONFIG',
    message: `--role ${role} needs ${missing.join(', ')}`,
    why: 'the embedded broker, store and snapshot live in one process: one role alone would meet nobody',
    hint: 'set them, or leave --role out',
    exitCode: exitCodes.config,
  })
}

function isWhollyReal({ config }: RunOptions): boolean {
  const { REDPANDA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL, REDIS_URL } = config
  return [REDPANDA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL, REDIS_URL].every((value) => value !== undefined)
}

/** One engine: in this thread. More: each in a thread of its own, where they can meet over a real broker and store. */
function makeEngines(context: Context, metrics: EngineMetrics): EngineHost[] {
  const { options, log } = context
  const { config, workers } = options
  const canThread =
    config.REDPANDA_BROKERS !== undefined && config.DATABASE_URL !== undefined && config.REDIS_URL !== undefined
  if (workers > 1 && canThread)
    return Array.from({ length: workers }, () => createWorkerHost({ config, ...options.logging }, metrics))
  if (workers > 1) log('info', 'embedded services live in one thread: the workers share it', { workers })
  return Array.from({ length: workers }, () => createCandleEngine(context, metrics))
}

function tellTotals(log: Log, { totals }: EngineMetrics): void {
  const { used, late, duplicate, rejected } = totals
  const all = used + late + duplicate + rejected
  if (late > 0)
    log(
      'warn',
      `${late} of ${all} ticks late: this store already holds later time for their line, so they change nothing`,
    )
  log('info', 'records', { used, late, duplicate, rejected })
}

/** Everything is open; runs the roles until the end, a signal or a failure. */
async function runRoles(context: Context, feed: Feed | undefined): Promise<void> {
  const { options, broker, topics, clock, log } = context
  const { role } = options
  const stopFeed = new AbortController()
  const metrics = createEngineMetrics(context.registers)
  const gateway = role === 'all' || role === 'gateway' ? await startGateway(context) : undefined
  const engines = role === 'all' || role === 'engine' ? makeEngines(context, metrics) : []
  const stopped = new Promise<void>((resolve) => {
    if (options.signal.aborted) resolve()
    options.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const settled = async (): Promise<void> => {
    if (stopFeed.signal.aborted || engines.length === 0) return
    const ends = await broker.admin.offsets(topics.ticks)
    const targets = new Map([...ends].map(([partition, { latest }]) => [partition, latest]))
    await committedThrough(engines, targets, clock, stopFeed.signal)
    if (!stopFeed.signal.aborted) tellTotals(log, metrics)
  }
  const feeding = async (): Promise<void> => {
    try {
      if (feed !== undefined && role !== 'engine') await runFeed(feed, context, stopFeed.signal)
    } catch (error) {
      // A source that cannot be read to its end has published what came before: that is kept, then the error is told.
      if (error instanceof FatalError) await settled()
      throw error
    }
    await settled()
  }
  let fed: Promise<void> = Promise.resolve()
  try {
    const failed = engines.map((engine) => engine.failed)
    await Promise.race([Promise.all(engines.map((engine) => engine.start())), ...failed])
    if (role !== 'gateway') fed = feeding()
    const isOver = options.untilEnd || role === 'feed' ? fed : fed.then(() => stopped)
    await Promise.race([isOver, stopped, ...failed])
  } finally {
    log('info', 'stopping')
    stopFeed.abort()
    await fed.catch(() => undefined)
    await Promise.all(engines.map((engine) => engine.stop()))
    await gateway?.close()
  }
}

type CleanUp = (() => Promise<unknown>)[]

/** Opens every port at once; what was opened is closed again even when another one fails. */
async function openAll(
  context: AdapterContext,
  cleanUp: CleanUp,
): Promise<[Broker, SchemaRegistry, CandleStore, Snapshot]> {
  const tracked = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const port = await opening
    cleanUp.push(() => port.close())
    return port
  }
  const opening = [
    tracked(openBroker(context)),
    tracked(openRegistry(context)),
    tracked(openStore(context)),
    tracked(openSnapshot(context)),
  ] as const
  await Promise.allSettled(opening)
  return Promise.all(opening)
}

/** Runs every step, the last one opened first; a failing one does not keep the others from running. */
async function cleanedUp(steps: CleanUp, log: Log): Promise<void> {
  for (const step of steps.reverse())
    await step().catch((error: unknown) => log('warn', 'a service did not close', { why: messageOf(error) }))
}

/**
 * Runs the main job: all roles in this process, or one of them.
 *
 * @throws {RedwickError} With the exit code that fits.
 */
export async function runTopology(options: RunOptions): Promise<void> {
  const { config, log, role } = options
  requireServices(options)
  if (role === 'all' || role === 'gateway') requireAuthForAddress(config.HOST, config.AUTH_TOKEN)
  const clock = systemClock
  const topics = topicNames(config.TOPIC_PREFIX)
  const cleanUp: CleanUp = []
  try {
    if (!isWhollyReal(options)) cleanUp.push(await lockDataDir(config.DATA_DIR))
    const [broker, registry, store, snapshot] = await openAll({ config, clock, log }, cleanUp)
    const partitions = await ensureTopics(broker, topics, config.TICKS_PARTITIONS)
    const codecs = await createCodecs(registry, topics)
    const topicPrefix = config.TOPIC_PREFIX
    const opened = { clock, log, topics, broker, registry, store, snapshot, codecs, topicPrefix }
    const context: Context = { ...opened, options, partitions, registers: new Registry() }
    const isOwnLog = config.REDPANDA_BROKERS === undefined
    if (role !== 'gateway')
      await ensureLogEnd({ broker, store, topic: topics.ticks, topology: candles.name, isOwnLog, log })
    await runRoles(context, makeFeed(context))
  } finally {
    await cleanedUp(cleanUp, log)
  }
}
