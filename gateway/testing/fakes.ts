import type { Broker, ReadOptions, StoredRecord } from '../../ports/broker.ts'
import type { CandleStore, SymbolSpan } from '../../ports/candle-store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ChannelSnapshot, LivePosition, Snapshot } from '../../ports/snapshot.ts'
import type { Candle, Emission, EmissionKind } from '../../schemas/candle.ts'
import type { CoverageChange } from '../../schemas/coverage.ts'
import { TransientError } from '../../schemas/errors.ts'
import type { LiveRecord } from '../live-feed.ts'

/** A candle of one minute with made-up but valid content. */
export function candleOf(given: Partial<Candle> & { readonly start: number }): Candle {
  const interval = given.interval ?? 60
  return {
    symbol: 'BTC-USDT',
    interval,
    end: given.start + interval * 1000,
    open: 100,
    high: 110,
    low: 90,
    close: 105,
    volume: 2,
    volumeLow: 0,
    quoteVolume: 210,
    quoteVolumeLow: 0,
    buyVolume: 1,
    buyVolumeLow: 0,
    trades: 3,
    firstTradeId: 1,
    lastTradeId: 3,
    final: false,
    revision: 1,
    closedBy: given.final === true ? 'watermark' : 'open',
    fill: 'traded',
    partial: false,
    seq: 0,
    ...given,
  }
}

export function emissionOf(e: number, q: number, kind: EmissionKind, candle: Candle): Emission {
  return { kind, e, q, candle: { ...candle, final: kind !== 'update' } }
}

function notFaked(): never {
  throw new Error('the gateway does not call this')
}

export interface FakeLog {
  readonly broker: Broker
  decode(record: StoredRecord): LiveRecord | undefined
  /** Appends a record of `candles.live`; readers get it at once. */
  append(partition: number, record: LiveRecord): number
  /** Ends every reader with an error. */
  cut(): void
}

/** A log of one topic in memory that only appends and reads. */
export function fakeLog(partitions: number, startedAt = 0): FakeLog {
  const logs = Array.from({ length: partitions }, (): StoredRecord[] => [])
  const readers = new Set<ReadOptions>()
  const lives = new Map<StoredRecord, LiveRecord>()
  const startOf = (from: ReadOptions['from'], partition: number): number => {
    const log = logs[partition] ?? []
    if (from === 'earliest') return 0
    if (from === 'latest') return log.length
    if (!('timestampMs' in from)) return from.get(partition) ?? log.length
    const first = log.findIndex((record) => record.appendTime >= from.timestampMs)
    return first < 0 ? log.length : first
  }
  const broker: Broker = {
    admin: {
      createTopic: notFaked,
      growTopic: notFaked,
      describeTopic: notFaked,
      deleteTopic: notFaked,
      listTopics: notFaked,
      offsets: notFaked,
      groupOffsets: notFaked,
    },
    createProducer: notFaked,
    createTransactionalProducer: notFaked,
    subscribe: notFaked,
    async read(options) {
      const startOffsets = new Map(logs.map((_, partition) => [partition, startOf(options.from, partition)]))
      readers.add(options)
      for (const [partition, start] of startOffsets) {
        const records = (logs[partition] ?? []).slice(start)
        if (records.length > 0) await options.onRecords(partition, records)
      }
      return {
        startOffsets,
        async close() {
          readers.delete(options)
        },
      }
    },
    sync: async () => undefined,
    retainFrom: () => undefined,
    ping: async () => undefined,
    close: async () => undefined,
  }
  return {
    broker,
    decode: (record) => lives.get(record),
    append(partition, live) {
      const log = logs[partition] ?? []
      const record = { partition, offset: log.length, appendTime: startedAt, key: null, value: null, headers: {} }
      lives.set(record, live)
      log.push(record)
      for (const reader of readers) void reader.onRecords(partition, [record])
      return record.offset
    },
    cut() {
      for (const reader of readers) {
        readers.delete(reader)
        reader.onError(new TransientError({ code: 'BROKER_UNREACHABLE', message: 'cut' }))
      }
    },
  }
}

export interface FakeStore {
  readonly store: CandleStore
  /** Adds or replaces final candles. */
  put(...candles: readonly Candle[]): void
  /** While set every call rejects. */
  down: boolean
  /** What is known of the time of every symbol. */
  coverage: readonly CoverageChange[]
}

export function fakeStore(storeId = 'k3'): FakeStore {
  const rows = new Map<string, Candle>()
  const sorted = () => [...rows.values()].sort((a, b) => a.start - b.start)
  const check = async () => {
    if (fake.down) throw new TransientError({ code: 'STORE_UNREACHABLE', message: 'the store is down' })
  }
  const store: CandleStore = {
    storeId,
    renewId: notFaked,
    takeover: notFaked,
    repartition: notFaked,
    commit: notFaked,
    ensureTable: notFaked,
    rows: notFaked,
    async candles({ symbol, interval, from, to, limit, take }) {
      await check()
      const fit = [...rows.values()]
        .filter((row) => row.symbol === symbol && row.interval === interval && row.start >= from && row.start < to)
        .sort((a, b) => a.start - b.start)
      return take === 'newest' ? fit.slice(-limit) : fit.slice(0, limit)
    },
    async latest(symbols, interval) {
      await check()
      return symbols.flatMap(
        (symbol) => sorted().findLast((row) => row.symbol === symbol && row.interval === interval) ?? [],
      )
    },
    async symbols() {
      await check()
      const spans = new Map<string, SymbolSpan>()
      for (const { symbol, start } of sorted())
        spans.set(symbol, { symbol, first: spans.get(symbol)?.first ?? start, last: start })
      return [...spans.values()]
    },
    scan: notFaked,
    positions: notFaked,
    deadLetters: notFaked,
    lateRanges: notFaked,
    heldKeys: async () => [],
    declareTopology: notFaked,
    topologies: notFaked,
    committedTopics: notFaked,
    coverage: async () => fake.coverage,
    ping: check,
    close: async () => undefined,
  }
  const fake: FakeStore = {
    store,
    down: false,
    coverage: [],
    put(...candles) {
      for (const row of candles)
        rows.set(`${row.symbol}|${row.interval}|${row.start}`, { ...row, final: true, closedBy: 'watermark' })
    },
  }
  return fake
}

export interface FakeSnapshot {
  readonly snapshot: Snapshot
  /** While set every call rejects. */
  down: boolean
  /** Everything is gone. */
  flush(): void
}

export function fakeSnapshot(): FakeSnapshot {
  const channels = new Map<string, ChannelSnapshot>()
  const positions = new Map<number, LivePosition>()
  const check = async () => {
    if (fake.down) throw new TransientError({ code: 'SNAPSHOT_UNREACHABLE', message: 'the snapshot is down' })
  }
  const snapshot: Snapshot = {
    async write(partition, position, written) {
      await check()
      for (const channel of written) {
        const key = `${channel.symbol}|${channel.interval}`
        const known = channels.get(key)
        if (known === undefined || known.e < channel.e || (known.e === channel.e && known.q <= channel.q))
          channels.set(key, channel)
      }
      if (position !== undefined) positions.set(partition, position)
    },
    async read(symbol, interval) {
      await check()
      return channels.get(`${symbol}|${interval}`)
    },
    async readMany(symbols, interval) {
      await check()
      return symbols.flatMap((symbol) => channels.get(`${symbol}|${interval}`) ?? [])
    },
    async position(partition) {
      await check()
      return positions.get(partition)
    },
    async symbols() {
      await check()
      return [...new Set([...channels.values()].map((channel) => channel.symbol))].sort()
    },
    ping: check,
    close: async () => undefined,
  }
  const fake: FakeSnapshot = {
    snapshot,
    down: false,
    flush() {
      channels.clear()
      positions.clear()
    },
  }
  return fake
}

/** The machine's clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }),
  every(ms, task) {
    const timer = setInterval(task, ms)
    return () => clearInterval(timer)
  },
}
