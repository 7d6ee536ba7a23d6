import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Candle } from '../schemas/candle.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { candleDifferences, type FieldDifference } from './candle-difference.ts'
import type { Topology } from './candle-topology.ts'
import { replayLog } from './log-replay.ts'
import { createReplayHistory } from './replay-history.ts'
import { replaySpans } from './replay-spans.ts'

/** Candles that a replay may hold at once. */
const candlesMax = 2_000_000
/** Stored candles of a symbol and interval that are read at once. */
const pageRows = 5_000

/** A stored candle that the declared topology would not give. */
export interface ChangedCandle {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  readonly start: number
  readonly differences: readonly FieldDifference[]
}

export interface PlanReplay {
  /** Event time: windows that start from `fromMs` on were compared, up to the end of the newest committed candle. */
  readonly fromMs: number
  readonly toMs: number
  /** Candles that were compared, and those of them that differ. */
  readonly compared: number
  readonly changed: number
  /** The first of those that differ, by symbol, interval and start. */
  readonly candles: readonly ChangedCandle[]
  readonly records: number
  /** Records that the log holds at all, up to what is committed. */
  readonly recordsHeld: number
  /** Partitions whose log no longer holds all that the windows are made of. */
  readonly cutPartitions: readonly number[]
  /** `history` markers whose segments `ticks.history` no longer holds. */
  readonly lostHistory: number
  /** Symbols that are held: their candles stand still until they are released, and were not compared. */
  readonly held: readonly string[]
}

type PlanStore = Pick<CandleStore, 'positions' | 'candles' | 'latest' | 'symbols' | 'heldKeys'>

export interface PlanReplayOptions {
  readonly broker: Pick<Broker, 'read' | 'admin'>
  readonly registry: Pick<SchemaRegistry, 'schema'>
  readonly store: PlanStore
  readonly clock: Clock
  readonly topic: string
  /** `ticks.history`. */
  readonly historyTopic: string
  readonly topology: Pick<Topology, 'name' | 'watermark' | 'pipeline'>
  readonly durationMs: number
  /** Candles told, at most. */
  readonly limit: number
}

/** Finals by symbol, then `interval|start`. */
type Computed = Map<string, Map<string, Candle>>

function tooLong(): FatalError {
  return new FatalError({
    code: 'REPLAY_TOO_LONG',
    message: `the replay would hold more than ${candlesMax} candles`,
    why: 'every candle of the time is kept until it is compared',
    hint: 'give --replay a shorter time',
    exitCode: exitCodes.usage,
  })
}

async function storedOf(store: PlanStore, symbol: string, fromMs: number): Promise<Map<string, Candle>> {
  const found = new Map<string, Candle>()
  for (const interval of Object.values(storedIntervals)) {
    for (let from = fromMs; ; ) {
      const page = await store.candles({ symbol, interval, from, to: Number.POSITIVE_INFINITY, limit: pageRows })
      for (const candle of page) found.set(`${interval}|${candle.start}`, candle)
      const last = page.at(-1)
      if (page.length < pageRows || last === undefined) break
      from = last.start + 1
    }
  }
  return found
}

function changedOf(
  symbol: string,
  stored: ReadonlyMap<string, Candle>,
  computed: ReadonlyMap<string, Candle>,
): ChangedCandle[] {
  return [...new Set([...stored.keys(), ...computed.keys()])]
    .flatMap((key) => {
      const [before, after] = [stored.get(key), computed.get(key)]
      const some = before ?? after
      const differences = candleDifferences(before, after)
      if (some === undefined || differences.length === 0) return []
      return [{ symbol, interval: some.interval, start: some.start, differences }]
    })
    .sort((a, b) => a.interval - b.interval || a.start - b.start)
}

/**
 * Runs the newest time of the retained log through a declared topology, in memory, and compares its candles with the
 * stored ones. Writes nothing, joins no group.
 *
 * @returns undefined where nothing is stored.
 * @throws {FatalError} `REPLAY_TOO_LONG`.
 * @throws {TransientError} `LOG_UNREAD`, `STORE_UNREACHABLE`, `REGISTRY_UNREACHABLE`.
 */
export async function replayPlan(options: PlanReplayOptions): Promise<PlanReplay | undefined> {
  const { broker, registry, store, topic, topology, durationMs, limit } = options
  const names = (await store.symbols()).map(({ symbol }) => symbol)
  const newest = await newestEnd(store, names)
  if (newest === undefined) return undefined
  const fromMs = newest - durationMs
  const positions = await store.positions(topology.name)
  const committed = new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset]))
  const { futureBoundMs } = topology.watermark
  const spans = await replaySpans({ broker, topic, committed, sinceMs: fromMs, futureBoundMs })
  const symbols = new Interner()
  const computed: Computed = new Map()
  let count = 0
  const onCandles = (rows: CandleColumns): void => {
    for (let i = 0; i < rows.length; i++) {
      if ((rows.start[i] ?? 0) < fromMs) continue
      const candle = candleOf(rows, i, symbols.name(rows.symbol[i] ?? 0))
      const ofSymbol = computed.get(candle.symbol) ?? new Map<string, Candle>()
      computed.set(candle.symbol, ofSymbol)
      const before = ofSymbol.size
      ofSymbol.set(`${candle.interval}|${candle.start}`, candle)
      count += ofSymbol.size - before
      if (count > candlesMax) throw tooLong()
    }
  }
  const fetchSchema = (id: number): Promise<object | undefined> => registry.schema(id)
  const history = createReplayHistory({
    ...{ broker, store, fetchSchema, clock: options.clock, topic: options.historyTopic },
    ...{ sinceMs: fromMs, futureBoundMs },
    replayed: ({ symbol, interval, from, to }) =>
      [...(computed.get(symbol)?.values() ?? [])]
        .filter((one) => one.interval === interval && one.start >= from && one.start < to)
        .sort((a, b) => a.start - b.start),
  })
  const { records } = await replayLog({
    ...{ broker, topic, partitions: spans.size, spans, topology, symbols, onCandles, fetchSchema, history },
    lines: new Interner(),
  })
  const held = (await store.heldKeys(topology.name)).map(({ symbol }) => symbol)
  let compared = 0
  let changed = 0
  const candles: ChangedCandle[] = []
  const everyName = [...new Set([...names, ...computed.keys()])].filter((name) => !held.includes(name)).sort()
  for (const symbol of everyName) {
    const stored = await storedOf(store, symbol, fromMs)
    const now = computed.get(symbol) ?? new Map<string, Candle>()
    compared += new Set([...stored.keys(), ...now.keys()]).size
    const found = changedOf(symbol, stored, now)
    changed += found.length
    candles.push(...found.slice(0, Math.max(0, limit - candles.length)))
  }
  const all = [...spans]
  return {
    fromMs,
    toMs: newest,
    compared,
    changed,
    candles,
    records,
    recordsHeld: all.reduce((sum, [, { earliest, to }]) => sum + Math.max(0, to - earliest), 0),
    cutPartitions: all.filter(([, span]) => !span.isWhole).map(([partition]) => partition),
    lostHistory: history.lost,
    held,
  }
}

/** End of the newest stored candle of the shortest interval that has any. */
async function newestEnd(store: PlanStore, symbols: readonly string[]): Promise<number | undefined> {
  for (const interval of Object.values(storedIntervals)) {
    let newest: number | undefined
    for (let at = 0; at < symbols.length; at += pageRows)
      for (const { end } of await store.latest(symbols.slice(at, at + pageRows), interval))
        newest = Math.max(newest ?? end, end)
    if (newest !== undefined) return newest
  }
  return undefined
}
