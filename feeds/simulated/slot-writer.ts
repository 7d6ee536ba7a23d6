import type { FeedOutput } from '../../ports/feed.ts'
import type { Instrument } from './instruments.ts'
import { cursorText, type SimulatedCursor } from './simulated-cursor.ts'
import { seedOf } from './slot-random.ts'
import { type SlotTrade, type SymbolState, slotMs, tradeSlot } from './symbol-slot.ts'

/** Trades of a slot, all symbols together: a slot fits in what a publisher holds. */
const slotTradesMax = 10_000

const heartbeatSlots = 1_000 / slotMs

interface PartitionWriterOptions {
  readonly output: FeedOutput
  readonly partition: number
  readonly line: string
  readonly seed: number
  readonly duplicates: number
  readonly outOfOrdernessMs: number
  /** Those of this partition. */
  readonly instruments: readonly Instrument[]
  /** Number of instruments in all partitions. */
  readonly symbolCount: number
  readonly cursor: SimulatedCursor | undefined
  /** First slot where there is no cursor. */
  readonly firstSlot: number
}

export interface PartitionWriter {
  readonly nextSlot: number
  readonly ticks: number
  /** Leaves out what lies before `slot`: a gap in the coverage, none in the ids. */
  jumpTo(slot: number): void
  /** Writes the next slot; a heartbeat behind it at each full simulated second. */
  write(): void
  /** A heartbeat with the cursor behind what has none yet: before every flush, so that a tail ends on one. */
  settle(): void
}

/**
 * Writes the slots of one partition: `move` before a symbol's first tick, the slot's ticks in the order they happened,
 * then a heartbeat with the cursor, at each full simulated second and wherever a flush ends.
 * An event lies at most `outOfOrdernessMs` behind its slot, so a slot covers up to 1 ms before that.
 */
export function createPartitionWriter(options: PartitionWriterOptions): PartitionWriter {
  const { output, partition, line, outOfOrdernessMs, duplicates, instruments, cursor } = options
  const states = new Map<string, SymbolState>()
  const sources = instruments.map((instrument) => {
    const found = cursor?.symbols.get(instrument.symbol)
    const state = found === undefined ? { nextId: 1, mid: instrument.basePrice, volatility: 1 } : { ...found }
    states.set(instrument.symbol, state)
    return { instrument, state, seed: seedOf(instrument.symbol, options.seed) }
  })
  const tradesMax = Math.max(1, Math.floor(slotTradesMax / options.symbolCount))
  const moved = new Set<string>()
  let nextSlot = cursor === undefined ? options.firstSlot : cursor.slot + 1
  let coveredSlot = nextSlot
  let owesHeartbeat = false
  let ticks = 0

  function writeTrade(trade: SlotTrade): void {
    const { symbol, eventTime, price, size, side, tradeId, happenedAt } = trade
    if (!moved.has(symbol)) {
      moved.add(symbol)
      output.control({ kind: 'move', line, symbol }, partition)
    }
    const ids = { tradeId, idOrder: 'monotonic', sequence: tradeId } as const
    const tick = { symbol, eventTime, price, size, side, ...ids, line, ingestTime: happenedAt }
    for (let copy = 0; copy < (trade.twice ? 2 : 1); copy++) {
      output.tick(tick)
      ticks++
    }
  }

  function writeHeartbeat(): void {
    const from = coveredSlot * slotMs - outOfOrdernessMs - 1
    const to = nextSlot * slotMs - outOfOrdernessMs - 1
    output.control({ kind: 'heartbeat', line, from, to, cursor: cursorText(nextSlot - 1, states) }, partition)
    coveredSlot = nextSlot
    owesHeartbeat = false
  }

  return {
    get nextSlot() {
      return nextSlot
    },
    get ticks() {
      return ticks
    },
    jumpTo(slot) {
      nextSlot = slot
      coveredSlot = slot
    },
    write() {
      const trades: SlotTrade[] = []
      for (const { instrument, state, seed } of sources) {
        trades.push(...tradeSlot(instrument, state, nextSlot, { seed, duplicates, outOfOrdernessMs, tradesMax }))
      }
      // Stable: a symbol's trades of one ms keep the order of their ids.
      trades.sort((a, b) => a.happenedAt - b.happenedAt)
      for (const trade of trades) writeTrade(trade)
      nextSlot++
      owesHeartbeat ||= trades.length > 0
      if (nextSlot % heartbeatSlots === 0) writeHeartbeat()
    },
    settle() {
      if (owesHeartbeat) writeHeartbeat()
    },
  }
}
