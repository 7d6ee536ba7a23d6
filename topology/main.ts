import { Registry } from 'prom-client'
import { requireAuthForAddress } from '../gateway/access.ts'
import type { Feed } from '../ports/feed.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import { topicNames } from '../schemas/topics.ts'
import { candles } from './candles.ts'
import { createCodecs } from './codecs.ts'
import type { Context, RunOptions } from './context.ts'
import { declareAtStart } from './declaration.ts'
import { candleGroup, createCandleEngine } from './engine-factory.ts'
import { type EngineHost, requireMoving, settled, startedOrStopped, stopAsked } from './engine-host.ts'
import { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts'
import { makeFeed, runFeed } from './feed-role.ts'
import { startGateway } from './gateway-role.ts'
import { ensureLogEnd } from './log-end.ts'
import { type Ports, withPorts } from './open-ports.ts'
import { startPageRelease } from './page-release.ts'
import { noticeRestoredStore } from './restored-store.ts'
import { systemClock } from './system-clock.ts'
import { ensureTopics } from './topics.ts'
import { tellTotals } from './totals.ts'
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

/** Engines have threads of their own where they can meet over a real broker and store. */
function areThreaded({ config, workers }: RunOptions): boolean {
  const canThread =
    config.REDPANDA_BROKERS !== undefined && config.DATABASE_URL !== undefined && config.REDIS_URL !== undefined
  return workers > 1 && canThread
}

/** One engine: in this thread. More: each in a thread of its own, where that can be. */
function makeEngines(context: Context, metrics: EngineMetrics): EngineHost[] {
  const { options, log } = context
  const { config, workers } = options
  if (areThreaded(options))
    return Array.from({ length: workers }, () => createWorkerHost({ config, ...options.logging }, metrics))
  if (workers > 1) log('info', 'embedded services live in one thread: the workers share it', { workers })
  return Array.from({ length: workers }, () => createCandleEngine(context, metrics))
}

/** Everything is open; runs the roles until the end, a signal or a failure. */
async function runRoles(context: Context, feed: Feed | undefined): Promise<void> {
  const { options, broker, store, topics, clock, log } = context
  const { role } = options
  const stopFeed = new AbortController()
  const metrics = createEngineMetrics(context.registers)
  const gateway = role === 'all' || role === 'gateway' ? await startGateway(context) : undefined
  const engines = role === 'all' || role === 'engine' ? makeEngines(context, metrics) : []
  const stopped = stopAsked(options.signal)
  const settle = async (): Promise<void> => {
    if (engines.length === 0) return
    const { admin } = broker
    const others = { store, stage: candles.name }
    await settled(engines, { admin, topic: topics.ticks, others }, clock, stopFeed.signal)
    if (stopFeed.signal.aborted) return
    tellTotals(log, metrics.totals)
    if (options.untilEnd) requireMoving(engines)
  }
  const feeding = async (): Promise<void> => {
    try {
      if (feed !== undefined && role !== 'engine') await runFeed(feed, context, stopFeed.signal)
    } catch (error) {
      // A source that cannot be read to its end has published what came before: that is kept, then the error is told.
      if (error instanceof FatalError) await settle()
      throw error
    }
    await settle()
  }
  // Engines in threads of their own see to theirs.
  const isReleasing = engines.length > 0 && !areThreaded(options)
  const endRelease = isReleasing ? startPageRelease({ clock, log }) : () => undefined
  let fed: Promise<void> = Promise.resolve()
  try {
    const failed = engines.map((engine) => engine.failed)
    const start = Promise.all(engines.map((engine) => engine.start()))
    await Promise.race([startedOrStopped(clock, start, stopped), ...failed])
    if (role !== 'gateway' && !options.signal.aborted) fed = feeding()
    const isOver = options.untilEnd || role === 'feed' ? fed : fed.then(() => stopped)
    await Promise.race([isOver, stopped, ...failed])
  } finally {
    log('info', 'stopping')
    endRelease()
    stopFeed.abort()
    await fed.catch(() => undefined)
    await Promise.all(engines.map((engine) => engine.stop()))
    await gateway?.close()
  }
}

/** Topics, schemas and declarations are there; the log and the store fit each other. */
async function prepare(options: RunOptions, ports: Ports): Promise<Context> {
  const { config, log, role } = options
  const { broker, registry, store } = ports
  const clock = systemClock
  const topics = topicNames(config.TOPIC_PREFIX)
  const [partitions, codecs] = await Promise.all([
    ensureTopics(broker, topics, config.TICKS_PARTITIONS),
    createCodecs(registry, topics),
  ])
  const isOwnLog = config.REDPANDA_BROKERS === undefined
  if (role !== 'gateway')
    await ensureLogEnd({ broker, store, topic: topics.ticks, topology: candles.name, isOwnLog, log })
  if (role === 'all' || role === 'engine') {
    await noticeRestoredStore({
      ...{ broker, store, topic: topics.ticks, topology: candles.name, log },
      groupId: candleGroup(config.TOPIC_PREFIX),
    })
    await declareAtStart(store, candles)
  }
  const opened = { ...ports, clock, log, topics, codecs, topicPrefix: config.TOPIC_PREFIX }
  return { ...opened, options, partitions, registers: new Registry() }
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
  await withPorts({ config, clock, log }, ['broker', 'registry', 'store', 'snapshot'], async (ports) => {
    const prepared = prepare(options, ports)
    await startedOrStopped(clock, prepared, stopAsked(options.signal))
    if (options.signal.aborted) return log('info', 'stopping')
    const context = await prepared
    await runRoles(context, makeFeed(context))
  })
}
