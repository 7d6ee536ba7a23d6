import { Redis } from 'ioredis'
import type { Log } from '../../ports/logger.ts'
import type { ChannelSnapshot, Snapshot } from '../../ports/snapshot.ts'
import { exitCodes, FatalError, messageOf, RedwickError, TransientError } from '../../schemas/errors.ts'
import { packChannel, unpackChannel } from './channel-blob.ts'
import { type RedisScript, writeChannels, writePosition } from './redis-scripts.ts'

interface RedisSnapshotOptions {
  /** `redis://user:password@host:port/db`, `rediss://` for TLS. */
  readonly url: string
  /** Begins every key. Default `redwick:`. */
  readonly prefix?: string
  readonly logger?: Log
  /** Longest wait for one answer. Default 2,000. */
  readonly commandTimeoutMs?: number
}

/** Channels in one script: while it runs, Redis does nothing else. */
const channelsPerScript = 100
const scriptsInFlightMax = 8
const keysPerRead = 500
const reconnectDelayMsMax = 1_000
/** The client's word for a command without an answer in time. */
const timedOut = 'Command timed out'

/**
 * The snapshot in Redis. Connects in the background, for as long as it takes; while Redis does not answer every call
 * fails at once and nothing is queued.
 *
 * @throws {FatalError} `CONFIG` when `url` is not an address of Redis.
 */
export function createRedisSnapshot(options: RedisSnapshotOptions): Snapshot {
  const prefix = options.prefix ?? 'redwick:'
  const { redis, attempted, renew } = connect(options)
  const channelKey = (symbol: string, interval: number) => `${prefix}c:${interval}:${symbol}`
  const positionKey = (partition: number) => `${prefix}live:${partition}`
  const symbolsKey = `${prefix}symbols`

  async function call<Result>(work: () => Promise<Result>): Promise<Result> {
    await attempted
    const unanswered = renew()
    try {
      return await work()
    } catch (error) {
      if (messageOf(error) === timedOut) unanswered()
      throw error instanceof RedwickError ? error : unreachable(error)
    }
  }

  async function run(script: RedisScript, keys: readonly string[], values: readonly (string | Buffer)[]) {
    try {
      await redis.evalsha(script.sha, keys.length, ...keys, ...values)
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      await redis.eval(script.text, keys.length, ...keys, ...values)
    }
  }

  async function readMany(symbols: readonly string[], interval: number): Promise<readonly ChannelSnapshot[]> {
    const found: ChannelSnapshot[] = []
    for (let from = 0; from < symbols.length; from += keysPerRead) {
      const page = symbols.slice(from, from + keysPerRead)
      const blobs = await redis.mgetBuffer(page.map((symbol) => channelKey(symbol, interval)))
      page.forEach((symbol, i) => {
        const blob = blobs[i]
        const channel = blob ? unpackChannel(symbol, interval, blob) : undefined
        if (channel !== undefined) found.push(channel)
      })
    }
    return found
  }

  return {
    write: (partition, position, channels) =>
      call(async () => {
        const batches = chunksOf(channels, channelsPerScript).map((batch) => () => {
          const keys = batch.map(({ symbol, interval }) => channelKey(symbol, interval))
          const values = batch.flatMap((channel) => [channel.symbol, packChannel(channel)])
          return run(writeChannels, [symbolsKey, ...keys], values)
        })
        for (const wave of chunksOf(batches, scriptsInFlightMax)) await Promise.all(wave.map((start) => start()))
        // Last: it says that all of the above is there.
        if (position !== undefined)
          await run(writePosition, [positionKey(partition)], [String(position.e), String(position.offset)])
      }),
    read: (symbol, interval) => call(async () => (await readMany([symbol], interval))[0]),
    readMany: (symbols, interval) => call(() => readMany(symbols, interval)),
    position: (partition) =>
      call(async () => {
        const [e, offset] = ((await redis.get(positionKey(partition))) ?? '').split(' ').map(Number)
        return e === undefined || offset === undefined ? undefined : { e, offset }
      }),
    symbols: () => call(async () => (await redis.smembers(symbolsKey)).sort()),
    ping: () => call(async () => void (await redis.ping())),
    async close() {
      redis.disconnect()
    },
  }
}

interface Connected {
  readonly redis: Redis
  /** Settles when the first connection is ready, or has failed or hangs: until then calls wait. */
  readonly attempted: Promise<void>
  /**
   * Called before a command. @returns What ends the connection that the command goes to, if it is still in use: the client
   * would keep one that died without a word.
   */
  renew(): () => void
}

function connect(options: RedisSnapshotOptions): Connected {
  if (!URL.canParse(options.url) || !['redis:', 'rediss:'].includes(new URL(options.url).protocol)) {
    throw new FatalError({
      code: 'CONFIG',
      message: 'REDIS_URL is not an address of Redis',
      why: 'Accepted: redis://USER:PASSWORD@HOST:PORT/DB, rediss:// for TLS',
      exitCode: exitCodes.config,
    })
  }
  const log = options.logger ?? (() => undefined)
  const timeoutMs = options.commandTimeoutMs ?? 2_000
  const redis = new Redis(options.url, {
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), reconnectDelayMsMax) * (0.5 + Math.random() / 2),
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  })
  let reachable: boolean | undefined
  const turn = (now: boolean, reason: string) => {
    if (reachable === now) return
    reachable = now
    if (now) log('info', 'redis is reachable')
    else log('warn', 'redis is not reachable, trying again', { reason })
  }
  // Without a listener an 'error' would end the process.
  redis.on('error', (error: Error) => turn(false, error.message))
  const attempted = new Promise<void>((resolve) => {
    setTimeout(resolve, timeoutMs).unref()
    redis.once('ready', resolve)
    redis.once('close', resolve)
  })
  let connections = 0
  redis.on('ready', () => {
    connections += 1
    turn(true, '')
  })
  redis.on('close', () => turn(false, 'connection closed'))
  const renew = (): (() => void) => {
    const used = connections
    return () => {
      if (used !== connections) return
      connections += 1
      redis.disconnect(true)
    }
  }
  return { redis, attempted, renew }
}

/** Without the cause: an error of the driver holds the command, and with AUTH the password. */
function unreachable(error: unknown): TransientError {
  return new TransientError({
    code: 'SNAPSHOT_UNREACHABLE',
    message: 'Redis does not answer as it should',
    why: messageOf(error),
    hint: 'Candles are not affected; the snapshot is rebuilt when Redis is back.',
  })
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}
