import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker } from '../ports/broker.ts'
import { invariant } from '../schemas/errors.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { createDatabase } from '../test/services/postgres.ts'
import type { Codecs } from '../topology/codecs.ts'
import { ensureTopics } from '../topology/topics.ts'
import { generatedTicks } from './generated-ticks.ts'
import { onServices, type Services } from './kafka-stage.ts'
import { type BenchOptions, type BenchOutcome, type Measures, spreadOf } from './outcome.ts'
import { nodeOptions } from './own-process.ts'

const ticksPerSecond = 20_000
const sendEveryMs = 1
const warmUpMs = 5_000
const runMs = 10_000
const firstWordMsMax = 30_000
/** A tick that no candle counts for so long is lost. */
const untoldMsMax = 5_000

/** What is told when: after each tick, of one-minute candles; or as our topology does it, at a pace, of all intervals. */
const cases = [
  { name: 'emitEvery 0, one-minute candles', which: 'minutes at once' },
  { name: 'emitEvery 100 ms, all intervals', which: 'all' },
] as const

interface Scene {
  readonly broker: Broker
  readonly codecs: Codecs
  readonly topics: TopicNames
  readonly partitions: number
  readonly symbols: number
}

interface Found {
  readonly appended: Float64Array
  readonly read: Float64Array
}

/** Epoch ms on the clock that the broker has, too, finer than it tells. */
const now = (): number => performance.timeOrigin + performance.now()

/** Ms from when a tick was due to when the first candle that counts it stood in the topic, and to when it was read. */
class Latencies {
  /** Ticks that no candle counts yet, by symbol, in order. */
  readonly #waiting = new Map<string, { readonly id: number; readonly sentAt: number }[]>()
  #appended: number[] = []
  #read: number[] = []

  sent(symbol: string, id: number, sentAt: number): void {
    const waiting = this.#waiting.get(symbol)
    if (waiting === undefined) this.#waiting.set(symbol, [{ id, sentAt }])
    else waiting.push({ id, sentAt })
  }

  told(symbol: string, lastId: number, appendedAt: number, readAt: number): void {
    const waiting = this.#waiting.get(symbol) ?? []
    const open = waiting.findIndex(({ id }) => id > lastId)
    for (const { sentAt } of waiting.splice(0, open < 0 ? waiting.length : open)) {
      this.#appended.push(appendedAt - sentAt)
      this.#read.push(readAt - sentAt)
    }
  }

  /** How long the tick that waits longest has waited. */
  oldestMs(): number {
    const at = now()
    return [...this.#waiting.values()].reduce((most, [first]) => Math.max(most, at - (first?.sentAt ?? at)), 0)
  }

  /** Of those found since the last call, ascending. */
  take(): Found {
    const found = { appended: Float64Array.from(this.#appended).sort(), read: Float64Array.from(this.#read).sort() }
    this.#appended = []
    this.#read = []
    return found
  }
}

/** Ticks at an even pace until it is aborted; what comes due while a send is under way goes with the next one. */
async function feed({ broker, codecs, topics, partitions, symbols }: Scene, latencies: Latencies, signal: AbortSignal) {
  const producer = await broker.createProducer()
  const ticks = generatedTicks({ ticks: Number.MAX_SAFE_INTEGER, symbols, jitterMs: 0 })
  const partitionOf = new Map<string, number>()
  const startedAt = now()
  let sent = 0
  while (!signal.aborted) {
    const due = Math.floor(((now() - startedAt) * ticksPerSecond) / 1000)
    const records = []
    for (; sent < due; sent++) {
      const next = ticks.next()
      if (next.done === true) break
      const tick = next.value
      const { symbol, tradeId } = tick
      const partition = partitionOf.get(symbol) ?? partitionOfKey(symbol, partitions)
      partitionOf.set(symbol, partition)
      const time = Date.now()
      records.push({ partition, key: symbol, value: codecs.encodeTick({ ...tick, eventTime: time, ingestTime: time }) })
      // When it was due: what keeps the sender from sending is waited for, too.
      latencies.sent(symbol, tradeId, startedAt + (sent * 1000) / ticksPerSecond)
    }
    if (records.length === 0) await sleep(sendEveryMs)
    else await producer.send(topics.ticks, records)
  }
  await producer.close()
}

/** @returns Of each run, its latencies. */
async function measure(services: Services, options: BenchOptions, which: string): Promise<Found[]> {
  const { broker, codecsOf, brokers, postgresUrl } = services
  const { partitions, symbols, runs, tell } = options
  const prefix = `latency-${randomUUID().slice(0, 8)}.`
  const topics = topicNames(prefix)
  // The broker writes down when it appended; in use the records' own time would do.
  const config = { 'message.timestamp.type': 'LogAppendTime' }
  await broker.admin.createTopic({ topic: topics.candlesLive, partitions, config })
  await ensureTopics(broker, topics, partitions)
  const codecs = await codecsOf(topics)
  const database = await createDatabase(postgresUrl)
  const child = spawn(
    process.execPath,
    [...nodeOptions, join(import.meta.dirname, 'latency-child.ts'), brokers, database.url, prefix, which],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const ended = once(child, 'exit')
  let isEnded = false
  void ended.then(() => {
    isEnded = true
  })
  const look = (): void => invariant(!isEnded, 'the engine works to the end')
  const latencies = new Latencies()
  let words = 0
  const reader = await broker.read({
    topic: topics.candlesLive,
    from: 'earliest',
    onRecords(_, records) {
      const at = now()
      for (const record of records) {
        const said = codecs.decodeLive(record)
        if (said === undefined || 'epoch' in said || said.candle.interval !== storedIntervals['1m']) continue
        words += 1
        latencies.told(said.candle.symbol, said.candle.lastTradeId, record.appendTime, at)
      }
      return undefined
    },
    onError(error) {
      throw error
    },
  })
  const over = new AbortController()
  const feeding = feed({ broker, codecs, topics, partitions, symbols }, latencies, over.signal)
  try {
    for (const startedAt = performance.now(); words === 0; await sleep(sendEveryMs)) {
      look()
      if (performance.now() - startedAt > firstWordMsMax) throw new Error('the engine says nothing')
    }
    await sleep(warmUpMs)
    latencies.take()
    const found: Found[] = []
    for (let run = 0; run < runs; run++) {
      tell(`latency: ${which}, run ${run + 1} of ${runs}`)
      await sleep(runMs)
      look()
      found.push(latencies.take())
      invariant(latencies.oldestMs() < untoldMsMax, 'no tick is left untold')
    }
    return found
  } finally {
    over.abort()
    await feeding
    child.kill('SIGKILL')
    await ended
    await reader.close()
    await database.drop()
  }
}

function measuresOf(runs: readonly Found[]): Measures {
  const percentile = (of: keyof Found, share: number) =>
    spreadOf(runs.map(({ [of]: sorted }) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN))
  return {
    p50Ms: percentile('appended', 0.5),
    p99Ms: percentile('appended', 0.99),
    maxMs: percentile('appended', 1),
    p50MsRead: percentile('read', 0.5),
    p99MsRead: percentile('read', 0.99),
    ticks: spreadOf(runs.map(({ read }) => read.length)),
  }
}

/**
 * `latency`: from when a tick was due, at 20,000 a second, to when the first candle that counts it stands in `candles.live`;
 * and to when a reader of it has it.
 */
export async function latency(options: BenchOptions): Promise<BenchOutcome> {
  return onServices(async (services) => {
    const measured: Record<string, Measures> = {}
    for (const { name, which } of cases) measured[name] = measuresOf(await measure(services, options, which))
    const { runs, symbols, partitions } = options
    return { bench: 'latency', runs, measures: { ticksPerSecond, symbols, partitions }, cases: measured }
  })
}
