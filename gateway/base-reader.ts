import type { CandleStore, SymbolSpan } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import type { Candle } from '../schemas/candle.ts'
import { TransientError } from '../schemas/errors.ts'
import { timeMsMax } from '../schemas/times.ts'
import { createGate } from './gate.ts'
import { type Base, type Joined, join, joins } from './join.ts'
import type { LiveChannel } from './live-channel.ts'
import type { LiveFeed } from './live-feed.ts'

/** A base that is to be joined synchronously, with what the log says at that moment. */
export interface Attachment {
  readonly channel: LiveChannel
  readonly base: Base
  /** Whether base and log still make a whole: to be asked in the same synchronous block as `join`. */
  usable(): boolean
  join(): Joined
}

export interface BaseReader {
  /**
   * Reads until base and ring join, at most 20 times, 50 ms apart; what then does not join is rebuilt.
   *
   * @returns undefined where nobody knows the symbol.
   * @throws {TransientError} `LIVE_UNAVAILABLE` or `GATEWAY_BUSY`.
   */
  read(symbol: string, interval: number, rowsMax: number): Promise<Attachment | undefined>
}

const triesMax = 20
const pauseMs = 50
/** Reads at once, and waiting ones; one more is refused. */
const readsMax = 16
const waitingMax = 100_000

export function createBaseReader(deps: {
  readonly store: CandleStore
  readonly snapshot: Snapshot
  readonly clock: Clock
  feed(): LiveFeed
  symbols(): Promise<readonly SymbolSpan[]>
}): BaseReader {
  const { store, snapshot, clock } = deps
  const gate = createGate(readsMax, waitingMax)

  const readOnce = async (symbol: string, interval: number, partition: number, limit: number): Promise<Base> => {
    const missing = new Set<'snapshot' | 'store'>()
    const lost = (what: 'snapshot' | 'store') => () => {
      missing.add(what)
      return undefined
    }
    // The position before the channel: what it covers is then in the channel that is read.
    const position = await snapshot.position(partition).catch(lost('snapshot'))
    const channel = await snapshot.read(symbol, interval).catch(lost('snapshot'))
    const query = {
      symbol,
      interval,
      from: -timeMsMax,
      to: timeMsMax,
      limit: Math.max(1, limit),
      take: 'newest',
    } as const
    const rows: readonly Candle[] | undefined = await store.candles(query).catch(lost('store'))
    return { snapshot: channel, position, rows: rows ?? [], missing }
  }

  return {
    async read(symbol, interval, rowsMax) {
      const feed = deps.feed()
      const partition = feed.partitionOf(symbol)
      if (partition === undefined) throw unavailable(feed.trouble() ?? 'live candles are not read yet')
      for (let tries = 1; ; tries++) {
        const before = feed.channel(symbol, interval, 'known')
        const [generation, last] = [before?.generation, before?.ring.last ?? 0]
        const base = await gate(() => readOnce(symbol, interval, partition, rowsMax))
        const known = feed.knows(symbol) || base.snapshot !== undefined || base.rows.length > 0
        if (!known && base.missing.has('store')) throw unavailable('the store, which knows the symbols, is down')
        if (!known && !(await deps.symbols()).some((span) => span.symbol === symbol)) return undefined
        const channel = feed.channel(symbol, interval)
        if (channel === undefined) throw unavailable(feed.trouble() ?? 'live candles are not read yet')
        const fits = () => joins(base, channel, feed.startOf(channel.partition) ?? 0)
        const epoch = () => feed.epochOf(channel.partition) ?? 0
        // A rebuild is whole where the log shows everything since before the store was read.
        const rebuilds = () => channel.generation === generation && channel.ring.floor <= last
        const settles = tries >= triesMax || base.missing.size > 0
        const usable = () => fits() || (settles && rebuilds())
        if (usable()) return { channel, base, usable, join: () => join(base, channel, fits(), epoch(), rowsMax) }
        if (tries >= 2 * triesMax) throw unavailable('the channel starts anew faster than it is read')
        await clock.sleep(pauseMs)
      }
    },
  }
}

function unavailable(why: string): TransientError {
  return new TransientError({ code: 'LIVE_UNAVAILABLE', message: 'live candles cannot be had now', why })
}
