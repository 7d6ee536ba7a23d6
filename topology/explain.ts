import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Candle } from '../schemas/candle.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { intervalName } from '../schemas/intervals.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import { candleDifferences, type FieldDifference } from './candle-difference.ts'
import type { Topology } from './candle-topology.ts'
import { type CandleWitness, createCandleWitness } from './candle-witness.ts'
import { replayLog } from './log-replay.ts'
import { createReplayHistory } from './replay-history.ts'
import { type ReplaySpan, replaySpans } from './replay-spans.ts'

/**
 * - `equal`: the stored row is what the log gives; also where there is neither.
 * - `different`: it is not.
 * - `unverified`: it is not, and the log does not hold all that the candle was made of.
 * - `open`: nothing is stored yet, because the window is not closed.
 */
export type ExplainVerdict = 'equal' | 'different' | 'unverified' | 'open'

/** How one candle came about. */
export interface Explanation {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  readonly start: number
  readonly end: number
  readonly partition: number
  readonly log: ReplaySpan & { readonly records: number }
  readonly witness: Pick<
    CandleWitness,
    'used' | 'late' | 'duplicate' | 'rejected' | 'unreadable' | 'corrections' | 'close' | 'history'
  >
  /** What the log gives; undefined for no candle. */
  readonly computed: Candle | undefined
  readonly stored: Candle | undefined
  /** Of a longer interval: the base candles that it is made of, ascending. */
  readonly bases: readonly Candle[]
  readonly differences: readonly FieldDifference[]
  readonly verdict: ExplainVerdict
  /** Why something could not be verified; empty where nothing stands in the way. */
  readonly why: string
}

export interface ExplainOptions {
  readonly broker: Pick<Broker, 'read' | 'admin'>
  readonly registry: Pick<SchemaRegistry, 'schema'>
  readonly store: Pick<CandleStore, 'positions' | 'candles' | 'symbols' | 'heldKeys'>
  readonly clock: Clock
  readonly topic: string
  /** `ticks.history`. */
  readonly historyTopic: string
  readonly topology: Pick<Topology, 'name' | 'watermark' | 'pipeline'>
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  /** Seconds: length of the windows that ticks go into. */
  readonly baseInterval: number
  /** Epoch ms; the candle is the one that holds it. */
  readonly at: number
  /** Ticks of each kind that are kept, at most. */
  readonly limit: number
}

function unknownSymbol(symbol: string, known: readonly string[]): FatalError {
  const some = known.slice(0, 8).join(', ')
  return new FatalError({
    code: 'UNKNOWN_SYMBOL',
    message: `nothing is known of ${symbol}`,
    why: 'no candle of it is stored, and the log that was read holds no tick of it',
    hint:
      some === '' ? 'nothing is stored yet: npm run topology' : `stored are ${some}${known.length > 8 ? ', ...' : ''}`,
    exitCode: exitCodes.failure,
  })
}

/** What stands in the way of a comparison. */
interface Obstacles {
  readonly span: ReplaySpan
  readonly lost: number
  readonly lostHistory: number
  /** Offset from which on the symbol is held. */
  readonly heldFrom: number | undefined
}

function whyUnverified({ span, lost, lostHistory, heldFrom }: Obstacles): string {
  if (heldFrom !== undefined)
    return `the symbol is held from offset ${heldFrom} on: its rows stand still until npm run quarantine -- release`
  if (!span.isWhole)
    return `the log begins at offset ${span.earliest}: records before it went by retention, and ticks of this candle may be among them`
  if (lostHistory > 0)
    return `${lostHistory} history markers were read whose segments their topic no longer holds, or may not`
  return lost > 0 ? `the log was cut once, and filled up: ${lost} of the records read are lost` : ''
}

/**
 * Reads a candle's partition again from the log through the real pipeline, and compares what comes out with the
 * stored row. Writes nothing, joins no group; memory does not grow with the log.
 *
 * @throws {FatalError} `UNKNOWN_SYMBOL`; `NO_TOPIC` where there is no log.
 * @throws {TransientError} `LOG_UNREAD`, `STORE_UNREACHABLE`, `REGISTRY_UNREACHABLE`.
 */
export async function explainCandle(options: ExplainOptions): Promise<Explanation> {
  const { broker, registry, store, topic, topology, symbol, interval, baseInterval, limit } = options
  const sizeMs = interval * 1000
  const start = Math.floor(options.at / sizeMs) * sizeMs
  const end = start + sizeMs
  const description = await broker.admin.describeTopic(topic)
  if (description === undefined)
    throw new FatalError({
      code: 'NO_TOPIC',
      message: `there is no topic ${topic}`,
      why: 'nothing has run here yet',
      hint: 'npm run topology makes it',
    })
  const partition = partitionOfKey(symbol, description.partitions)
  const positions = await store.positions(topology.name)
  const committed = new Map(positions.map((one) => [one.partition, one.nextOffset]))
  const { futureBoundMs, outOfOrdernessMs } = topology.watermark
  const all = await replaySpans({ broker, topic, committed, sinceMs: start, futureBoundMs })
  const span = all.get(partition) ?? { from: 0, to: 0, earliest: 0, isWhole: false }

  const [symbols, lines] = [new Interner(), new Interner()]
  const id = symbols.internName(symbol)
  /** Candles of the symbol from this one on, by `interval|start`. */
  const given = new Map<string, Candle>()
  const fetchSchema = (schema: number): Promise<object | undefined> => registry.schema(schema)
  const history = createReplayHistory({
    ...{ broker, store, fetchSchema, clock: options.clock, topic: options.historyTopic },
    ...{ sinceMs: start, futureBoundMs },
    replayed: (wanted) =>
      [...given.values()]
        .filter((one) => wanted.symbol === symbol && one.interval === wanted.interval)
        .filter((one) => one.start >= wanted.from && one.start < wanted.to)
        .sort((a, b) => a.start - b.start),
  })
  const window = { symbol: id, interval, start, end, isBase: interval === baseInterval }
  const witness = createCandleWitness({ window, symbols, lines, outOfOrdernessMs, limit })
  const { records, lost } = await replayLog({
    ...{ broker, topic, partitions: description.partitions, topology, symbols, lines },
    spans: new Map([[partition, span]]),
    ...{ fetchSchema, history },
    isStepped: true,
    onBatch: witness.saw,
    onRefused: witness.refused,
    onCandles(rows) {
      for (let i = 0; i < rows.length; i++) {
        if (rows.symbol[i] !== id || (rows.start[i] ?? 0) < start) continue
        const candle = candleOf(rows, i, symbol)
        given.set(`${candle.interval}|${candle.start}`, candle)
      }
    },
  })
  const [stored] = await store.candles({ symbol, interval, from: start, to: start + 1, limit: 1 })
  const computed = given.get(`${interval}|${start}`) ?? witness.open
  const heldFrom = (await store.heldKeys(topology.name)).find((key) => key.symbol === symbol)?.heldFrom
  if (stored === undefined && !witness.knowsSymbol) {
    const known = (await store.symbols()).map((one) => one.symbol)
    if (!known.includes(symbol)) throw unknownSymbol(symbol, known)
  }
  const isOpen = computed?.final === false
  const differences = isOpen && stored === undefined ? [] : candleDifferences(stored, computed)
  const why = whyUnverified({ span, lost, lostHistory: history.lost, heldFrom })
  const verdict = ((): ExplainVerdict => {
    if (differences.length > 0) return why === '' ? 'different' : 'unverified'
    return isOpen ? 'open' : 'equal'
  })()
  return {
    ...{ symbol, interval, start, end, partition, witness, computed, stored, differences, verdict, why },
    log: { ...span, records },
    bases: [...given.values()]
      .filter((one) => interval !== baseInterval && one.interval === baseInterval && one.start < end)
      .sort((a, b) => a.start - b.start),
  }
}

/** `BTC-USDT 1m 2024-08-08T23:58:00.000Z`. */
export function candleTitle({ symbol, interval, start }: Pick<Explanation, 'symbol' | 'interval' | 'start'>): string {
  return `${symbol} ${intervalName(interval)} ${new Date(start).toISOString()}`
}
