import { Registry } from 'prom-client'
import { readFeedPosition } from '../feeds/feed-position.ts'
import { createReplayFeed } from '../feeds/replay/replay-feed.ts'
import { createSimulatedFeed } from '../feeds/simulated/simulated-feed.ts'
import { createTickPublisher } from '../feeds/tick-publisher.ts'
import { requireAuthForAddress } from '../gateway/access.ts'
import { createGateway, type Gateway } from '../gateway/gateway.ts'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Feed, FeedSummary } from '../ports/feed.ts'
import type { Log } from '../ports/logger.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { dashboardFiles } from '../web/dashboard-files.ts'
import { lockDataDir, openBroker, openRegistry, openSnapshot, openStore } from './adapters.ts'
import { candles } from './candles.ts'
import { type Codecs, createCodecs } from './codecs.ts'
import type { Config } from './config.ts'
import { describeTopology, topologyHash, topologyJson } from './describe.ts'
import { createEngine, type Engine } from './engine.ts'
import { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts'
import type { FeedOptions } from './feed-options.ts'
import { systemClock } from './system-clock.ts'
import { ensureTopics } from './topics.ts'

export const roles = ['all', 'feed', 'engine', 'gateway'] as const
export type Role = (typeof roles)[number]

export interface RunOptions {
  readonly config: Config
  readonly role: Role
  readonly workers: number
  readonly feed: FeedOptions
  /** Ends when the feed has ended and everything is committed. */
  readonly untilEnd: boolean
  readonly log: Log
  /** Aborted: stop, in the order that loses nothing. */
  readonly signal: AbortSignal
}

/** What the roles of one process share. */
interface Context {
  readonly options: RunOptions
  readonly clock: Clock
  readonly topics: TopicNames
  readonly broker: Broker
  readonly registry: SchemaRegistry
  readonly store: CandleStore
  readonly snapshot: Snapshot
  readonly codecs: Codecs
  readonly partitions: number
  readonly metrics: Registry
}

/** Roles on their own meet over real services; the embedded ones live in one process. */
function requireServices({ config, role }: RunOptions): void {
  if (role === 'all') return
  const needed = [
    'REDPANDA_BROKERS',
    'SCHEMA_REGISTRY_URL',
    ...(role === 'feed' ? [] : (['DATABASE_URL', 'REDIS_URL'] as const)),
  ] as const
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

function makeFeed({ options, clock }: Context): Feed | undefined {
  const { feed, log } = options
  const { outOfOrdernessMs } = candles.watermark
  if (feed.feed === 'none') return undefined
  if (feed.feed === 'replay') {
    if (feed.replayFile === undefined)
      throw new FatalError({
        code: 'USAGE',
        message: '--feed replay needs --replay-file FILE',
        exitCode: exitCodes.usage,
      })
    return createReplayFeed({
      file: feed.replayFile,
      speed: feed.replaySpeed,
      ids: feed.replayIds,
      clock,
      outOfOrdernessMs,
      log,
    })
  }
  const startMs = feed.simStart ?? clock.now() - feed.simDurationMs
  return createSimulatedFeed({
    seed: feed.simSeed,
    startMs,
    endMs: feed.simSpeed === 1 ? undefined : clock.now(),
    speed: feed.simSpeed,
    ticksPerSecond: feed.simRate,
    duplicates: feed.simDuplicates,
    outOfOrdernessMs,
    clock,
    ...(feed.simSymbols === undefined ? {} : { symbols: feed.simSymbols }),
  })
}

async function runFeed(context: Context, signal: AbortSignal): Promise<FeedSummary | undefined> {
  const { broker, topics, partitions, codecs, options } = context
  const feed = makeFeed(context)
  if (feed === undefined) return undefined
  const producer = await broker.createProducer()
  try {
    const { encodeTick, encodeControl, controlDecoder } = codecs
    const output = createTickPublisher({
      producer,
      topic: topics.ticks,
      partitions,
      encodeTick,
      encodeControl,
      onRetry: (error, attempt, waitMs) =>
        options.log('warn', 'ticks wait for the broker', { why: messageOf(error), attempt, waitMs }),
    })
    const position = await readFeedPosition({
      broker,
      topic: topics.ticks,
      line: feed.line,
      decodeControl: controlDecoder,
    })
    options.log('info', `feed ${feed.name} runs`)
    const summary = await feed.run(output, position, signal)
    options.log('info', `feed ${feed.name} ended`, { ticks: summary.ticks, refused: summary.refused })
    return summary
  } finally {
    await producer.close()
  }
}

function makeEngine(context: Context, metrics: EngineMetrics): Engine {
  const { options, codecs, registry } = context
  const symbols = new Interner()
  const lines = new Interner(10_000)
  return createEngine({
    ...context,
    topology: candles,
    groupId: `${options.config.TOPIC_PREFIX}redwick-${candles.name}`,
    log: options.log,
    metrics,
    decoder: createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => registry.schema(id) }),
    symbols,
    lines,
    encodeEmission: codecs.encodeEmission,
    encodeEpoch: codecs.encodeEpoch,
    intervals: Object.values(storedIntervals),
  })
}

async function health({
  broker,
  store,
  snapshot,
  registry,
}: Context): Promise<Record<string, { status: 'up' | 'down'; detail?: string }>> {
  const check = async (ping: Promise<void>): Promise<{ status: 'up' | 'down'; detail?: string }> => {
    try {
      await ping
      return { status: 'up' }
    } catch (error) {
      return { status: 'down', detail: messageOf(error) }
    }
  }
  const [brokerState, registryState, storeState, snapshotState] = await Promise.all([
    check(broker.ping()),
    check(registry.ping()),
    check(store.ping()),
    check(snapshot.ping()),
  ])
  return { broker: brokerState, registry: registryState, store: storeState, snapshot: snapshotState }
}

async function startGateway(context: Context): Promise<Gateway | undefined> {
  const { options, codecs, metrics } = context
  const { config, log } = options
  const listen = (port: number): Promise<Gateway> =>
    createGateway({
      ...context,
      host: config.HOST,
      port,
      decode: codecs.decodeLive,
      metrics,
      describe: {
        json: () => ({ ...topologyJson(candles), hash: topologyHash(candles) }),
        mermaid: () => describeTopology(candles, 'mermaid'),
        dot: () => describeTopology(candles, 'dot'),
      },
      health: () => health(context),
      ...dashboardFiles,
      authToken: config.AUTH_TOKEN,
      allowedOrigins: config.ALLOWED_ORIGINS?.split(',').map((origin) => origin.trim()) ?? [],
      logger: log,
    })
  try {
    const gateway = await listen(config.PORT)
    log('info', `ready at ${gateway.url}`)
    return gateway
  } catch (error) {
    // A run that ends by itself is there for its table: nobody needs its port.
    if (!options.untilEnd || !(error instanceof FatalError) || error.code !== 'PORT_IN_USE') throw error
    log('warn', `port ${config.PORT} is in use: this run serves no clients`)
    return undefined
  }
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
async function runRoles(context: Context): Promise<void> {
  const { options, broker, topics } = context
  const { role, log } = options
  const stopFeed = new AbortController()
  const metrics = createEngineMetrics(context.metrics)
  const gateway = role === 'all' || role === 'gateway' ? await startGateway(context) : undefined
  const engines =
    role === 'all' || role === 'engine'
      ? Array.from({ length: options.workers }, () => makeEngine(context, metrics))
      : []
  const stopped = new Promise<void>((resolve) => {
    if (options.signal.aborted) resolve()
    options.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const feeding = async (): Promise<void> => {
    const summary = await runFeed(context, stopFeed.signal)
    if (summary === undefined || stopFeed.signal.aborted) return
    if (engines.length > 0) {
      const ends = await broker.admin.offsets(topics.ticks)
      const targets = new Map([...ends].map(([partition, range]) => [partition, range.latest]))
      await Promise.all(engines.map((engine) => engine.committedThrough(targets)))
      if (!stopFeed.signal.aborted) tellTotals(log, metrics)
    }
  }
  let feed: Promise<void> = Promise.resolve()
  try {
    for (const engine of engines) await engine.start()
    feed = role === 'all' || role === 'feed' ? feeding() : stopped
    const isOver = options.untilEnd || role === 'feed' ? feed : feed.then(() => stopped)
    await Promise.race([isOver, stopped, ...engines.map((engine) => engine.failed)])
  } finally {
    log('info', 'stopping')
    stopFeed.abort()
    await feed.catch(() => undefined)
    for (const engine of engines) await engine.stop()
    await gateway?.close()
  }
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
  const cleanUp: (() => Promise<unknown>)[] = []
  try {
    const isWhollyReal = [
      config.REDPANDA_BROKERS,
      config.SCHEMA_REGISTRY_URL,
      config.DATABASE_URL,
      config.REDIS_URL,
    ].every((value) => value !== undefined)
    if (!isWhollyReal) cleanUp.push(await lockDataDir(config.DATA_DIR))
    const opened = { config, clock, log }
    const [broker, registry, store, snapshot] = await openAll(opened, cleanUp)
    const partitions = await ensureTopics(broker, topics, config.TICKS_PARTITIONS)
    const codecs = await createCodecs(registry, topics)
    const metrics = new Registry()
    await runRoles({ options, clock, topics, broker, registry, store, snapshot, codecs, partitions, metrics })
  } finally {
    for (const step of cleanUp.reverse()) await step()
  }
}

/** Opens every port at once; what was opened is closed again even when another one fails. */
async function openAll(
  context: Parameters<typeof openBroker>[0],
  cleanUp: (() => Promise<unknown>)[],
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
