import type { Registry } from 'prom-client'
import type { Broker, StoredRecord } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { isLoopback, requireAuthForAddress } from './access.ts'
import { createBaseReader } from './base-reader.ts'
import { createFanOut } from './fan-out.ts'
import { createHistory } from './history.ts'
import { type LiveFeed, type LiveRecord, startLiveFeed } from './live-feed.ts'
import { windowsMs } from './messages.ts'
import { createGatewayMetrics } from './metrics.ts'
import { createResets } from './resets.ts'
import { createRest, type DependencyHealth, type Describe } from './rest.ts'
import { createServer } from './server.ts'
import { loadStaticFiles } from './static-files.ts'
import { serveStream } from './stream.ts'
import { createSubscriptions } from './subscriptions.ts'
import { createSymbolList } from './symbol-list.ts'
import { loadUws } from './uws.ts'

export interface GatewayOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly clock: Clock
  readonly broker: Broker
  readonly store: CandleStore
  readonly snapshot: Snapshot
  readonly topics: TopicNames
  /** What a record of `candles.live` says; undefined for one that is none of ours. */
  decode(record: StoredRecord): LiveRecord | undefined
  readonly metrics: Registry
  readonly describe: Describe
  /** The gateway adds `live`: whether it reads `candles.live`. */
  health(): Promise<Readonly<Record<string, DependencyHealth>>>
  /** Folder of the dashboard; undefined for none. */
  readonly staticRoot?: string | undefined
  /** URL path → file, e.g. `/vendor/lightweight-charts.js`. */
  readonly extraFiles?: ReadonlyMap<string, string>
  /** Hashes of style sheets that a library puts into the page, e.g. `sha256-…`: the page may have no other inline one. */
  readonly styleHashes?: readonly string[]
  /** Bearer token that everything but health and the dashboard's files needs. */
  readonly authToken?: string | undefined
  /** Origins besides the gateway's own from which a page may connect, e.g. `https://charts.example`. */
  readonly allowedOrigins?: readonly string[]
  /** Whether a symbol's venue is closed for all of `[start, end)`, epoch ms; default: never. */
  isClosed?(symbol: string, start: number, end: number): boolean
  readonly logger: Log
  /** In [0, 1); default `Math.random`. */
  random?(): number
}

export interface Gateway {
  readonly url: string
  readonly port: number
  /** Says goodbye to every client and stops listening. */
  close(): Promise<void>
}

const tickMs = 1000
const expireEveryTicks = 10
/** Between the close frames and the end of every connection. */
const goodbyeMs = 100

/**
 * Starts the gateway: live candles on `/v1/stream`, history, health, metrics and the dashboard.
 *
 * @throws {FatalError} `GATEWAY_UNAVAILABLE`, `PORT_IN_USE`, `AUTH_REQUIRED`, `AUTH_TOKEN_WEAK` or `STATIC_FILES`.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { host, port, clock, broker, store, snapshot, logger: log, authToken } = options
  requireAuthForAddress(host, authToken)
  const uws = await loadUws()
  const files = await loadStaticFiles(options.staticRoot, options.extraFiles)
  const metrics = createGatewayMetrics(options.metrics)
  const app = uws.createApp()
  const publish = (topic: string, text: string) => {
    app.publish(topic, text)
    metrics.published.inc()
  }
  const symbols = createSymbolList(store, clock)
  const fanOut = createFanOut(publish)
  let feed: LiveFeed | undefined
  const feedOrThrow = () => {
    if (feed === undefined) throw new Error('the live feed starts before the server listens')
    return feed
  }
  const reader = createBaseReader({ store, snapshot, clock, symbols, feed: feedOrThrow })
  const resets = createResets({ reader, fanOut, clock, log, random: options.random ?? Math.random })
  const subscriptions = createSubscriptions({ storeId: store.storeId, reader, fanOut, owe: resets.owe })
  const history = createHistory({
    store,
    snapshot,
    snapshotLost: (error) => log('warn', 'the snapshot cannot be read', { why: messageOf(error) }),
    isClosed: options.isClosed ?? (() => false),
  })
  const rest = createRest({
    history,
    snapshot,
    clock,
    log,
    symbols,
    registry: options.metrics,
    describe: options.describe,
    authToken,
    async health() {
      const trouble = feed?.trouble()
      const live: DependencyHealth = trouble === undefined ? { status: 'up' } : { status: 'down', detail: trouble }
      return { ...(await options.health()), live }
    },
  })
  const server = createServer({ rest, files, metrics, styleHashes: options.styleHashes ?? [] })
  const stream = serveStream({
    app,
    clock,
    log,
    metrics,
    subscriptions,
    fanOut,
    storeId: store.storeId,
    authToken,
    origins: {
      allowed: new Set(options.allowedOrigins ?? []),
      loopbackOnly: isLoopback(host) && authToken === undefined,
    },
    reply: server.reply,
  })
  app.any('/*', server.handle)

  feed = await startLiveFeed({
    broker,
    topic: options.topics.candlesLive,
    clock,
    log,
    decode: options.decode,
    listener: {
      emission(channel, emission) {
        metrics.emissions.inc()
        fanOut.emission(channel, emission)
      },
      reset: resets.reset,
    },
  })
  const live = feed
  // Not before: who comes while nothing is read yet would be refused.
  const listening = uws.listen(app, { host, port })
  if (listening === undefined) {
    await live.close()
    metrics.unregister()
    throw portInUse(host, port)
  }
  const stopWindows = windowsMs.map((windowMs) => clock.every(windowMs, () => fanOut.flushWindow(windowMs)))
  let ticks = 0
  const stopTicking = clock.every(tickMs, () => {
    if (++ticks % expireEveryTicks === 0) live.expire()
    metrics.undecodable.set(live.undecodable)
    stream.tick()
  })
  const shownHost = host.includes(':') ? `[${host}]` : host
  const url = `http://${shownHost}:${listening.port}`
  log('info', 'gateway listens', { url })
  return {
    url,
    port: listening.port,
    async close() {
      stopTicking()
      for (const stop of stopWindows) stop()
      uws.stopListening(listening.socket)
      await live.close()
      stream.close()
      await clock.sleep(goodbyeMs)
      app.close()
      metrics.unregister()
    },
  }
}

function portInUse(host: string, port: number): FatalError {
  return new FatalError({
    code: 'PORT_IN_USE',
    message: `cannot listen on ${host}:${port}`,
    why: 'another process listens there, or the address is not of this machine',
    hint: `stop it, or choose another port with PORT=${port + 1}`,
    exitCode: exitCodes.dependency,
  })
}
