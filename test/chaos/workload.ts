import type { OutgoingRecord } from '../../ports/broker.ts'
import { controlHeader } from '../../schemas/control.ts'
import type { DeadLetterReason } from '../../schemas/dead-letter.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { Tick } from '../../schemas/tick.ts'
import type { Codecs } from '../../topology/codecs.ts'

/** What a record of the log is, by the bytes of its value: a tick, or why it must be refused. */
export type Known = { readonly tick: Tick } | { readonly refused: DeadLetterReason }

export interface Workload {
  /** Names that the platform takes. */
  readonly symbols: readonly string[]
  /** What each value stands for, by its hex; the empty one is a record without a value. */
  readonly known: ReadonlyMap<string, Known>
  /** What the feed sends next. @param elapsedMs Since the start. */
  next(elapsedMs: number): readonly OutgoingRecord[]
  /** Ends every line, so that nothing stays open. */
  end(): readonly OutgoingRecord[]
}

export interface WorkloadOptions {
  /** In [0, 1). */
  random(): number
  readonly codecs: Codecs
  readonly partitions: number
  /** Epoch ms. */
  readonly start: number
}

const symbols = ['BTC-USD', 'ETH-USD', 'SOL-USD', 'A', 'v:x._/-1', 'z'.repeat(32), '0', 'K-7', 'a.b', 'A:B:C'] as const
const badSymbols = [
  "x'); DROP TABLE candles;--",
  'tab\t\\N',
  '🚀',
  '',
  ' ',
  'z'.repeat(33),
  '../../etc',
  'a\u0000b',
  '\\.',
]
const lines = ['one', 'two'] as const
const lineOf = (symbol: string): string => lines[symbol.length % 2] as string

/** Event time goes so many times as fast as the feed's, from so long ago. */
const speed = 25
const behindMs = 3 * 3_600_000
const ticksAtOnceMax = 60
/** Repeated ticks are of the last so many: older ones may be late, or repeated, by what the engine still knows. */
const recentMax = 300

/** Ticks in order and out of it, late, repeated and broken, of names that hurt; heartbeats with gaps. */
export function createWorkload({ random, codecs, partitions, start }: WorkloadOptions): Workload {
  const draw = (count: number): number => Math.floor(random() * count)
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T
  const known = new Map<string, Known>([['', { refused: 'NO_VALUE' }]])
  const ids = new Map<string, number>()
  const covered = new Map<string, number>()
  const recent: OutgoingRecord[] = []
  let elapsed = 0
  let made = 0
  const eventNow = (): number => start - behindMs + Math.floor(elapsed * speed)

  const remember = (value: Uint8Array, what: Known): Uint8Array => {
    known.set(Buffer.from(value).toString('hex'), what)
    return value
  }
  const drawTick = (symbol: string): Tick => {
    const tradeId = (ids.get(symbol) ?? draw(1000)) + 1 + (draw(20) === 0 ? draw(3) : 0)
    ids.set(symbol, tradeId)
    const far = draw(60)
    const back = far === 0 ? 180_000 + draw(400_000) : far < 3 ? draw(150_000) : draw(6) === 0 ? draw(3_000) : 0
    made += 1
    return {
      ...{ symbol, eventTime: eventNow() - back, price: draw(100_000) / 100 + 0.01, size: (1 + draw(1e6)) / 1e6 },
      ...{ side: pick(['buy', 'sell', 'unknown'] as const), tradeId, sequence: tradeId, line: lineOf(symbol) },
      // Every tick's bytes are its own.
      ...{ idOrder: symbol.length % 3 === 2 ? 'unordered' : 'monotonic', ingestTime: start + made },
    } as Tick
  }
  const recordOf = (tick: Tick, what: Known): OutgoingRecord => {
    const value = remember(codecs.encodeTick(tick), what)
    return { partition: partitionOfKey(tick.symbol, partitions), key: tick.symbol, value }
  }
  const good = (): OutgoingRecord => {
    const tick = drawTick(pick(symbols))
    const record = recordOf(tick, { tick })
    recent.push(record)
    if (recent.length > recentMax) recent.shift()
    return record
  }
  const broken = (): OutgoingRecord => {
    const tick = drawTick(pick(symbols))
    const whole = Buffer.from(codecs.encodeTick(tick))
    const raw = (value: Uint8Array | null): OutgoingRecord => ({ partition: draw(partitions), key: null, value })
    return pick<() => OutgoingRecord>([
      () => raw(remember(Buffer.from(`no Avro at all ${made}`), { refused: 'MALFORMED' })),
      () => raw(remember(whole.subarray(0, whole.length - 3), { refused: 'MALFORMED' })),
      () =>
        raw(
          remember(Buffer.concat([Buffer.of(0, 0, 0, 0x63, 0x63), whole.subarray(5)]), { refused: 'UNKNOWN_SCHEMA' }),
        ),
      () => raw(null),
      () => recordOf({ ...tick, price: Number.NaN }, { refused: 'BAD_PRICE' }),
      () => recordOf({ ...tick, price: -tick.price }, { refused: 'BAD_PRICE' }),
      () => recordOf({ ...tick, size: Number.POSITIVE_INFINITY }, { refused: 'BAD_SIZE' }),
      () => recordOf({ ...tick, size: 0 }, { refused: 'BAD_SIZE' }),
      () => recordOf({ ...tick, symbol: pick(badSymbols) }, { refused: 'BAD_SYMBOL' }),
      () => recordOf({ ...tick, eventTime: start + behindMs + draw(1e9) }, { refused: 'FUTURE_TIME' }),
    ])()
  }
  const controls = (kind: 'heartbeat' | 'end', line: string): OutgoingRecord[] => {
    const to = eventNow()
    const from = (covered.get(line) ?? to - 60_000) + (draw(8) === 0 ? draw(120_000) : 0)
    if (kind === 'heartbeat') covered.set(line, Math.max(to, from))
    if (kind === 'heartbeat' && from >= to) return []
    const control = kind === 'end' ? { kind, line } : { kind, line, from, to, cursor: null }
    const value = codecs.encodeControl(control)
    return Array.from({ length: partitions }, (_, partition) => ({
      ...{ partition, key: null, value, headers: { [controlHeader]: kind } },
    }))
  }

  return {
    symbols,
    known,
    next(elapsedMs) {
      elapsed = elapsedMs
      const records = Array.from({ length: draw(ticksAtOnceMax) }, good)
      if (draw(10) === 0) records.push(broken())
      if (draw(4) === 0 && recent.length > 0) records.push(pick(recent))
      if (draw(5) === 0) records.push(...controls('heartbeat', pick(lines)))
      return records
    },
    end: () => lines.flatMap((line) => controls('end', line)),
  }
}
