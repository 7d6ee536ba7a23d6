import type { CandleStore, Commit, PartitionCheckpoint } from '../ports/candle-store.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Candle } from '../schemas/candle.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import { FencedError, TransientError } from '../schemas/errors.ts'

/** What a commit meets: it works, fails with nothing kept, or works while its answer is lost. */
export type CommitFate = 'ok' | 'fails before' | 'fails after'

/** A candle store in memory, whose commits meet the fates that a test gives them. */
export interface MemoryStore extends CandleStore {
  readonly table: ReadonlyMap<string, Candle>
  readonly letters: readonly DeadLetter[]
  readonly commits: number
  /** Somebody else takes the partition over, as a rebalance elsewhere would. */
  stealFrom(partition: number): void
}

interface Row {
  epoch: number
  nextOffset: number
  commitNo: number
  lastSeq: number
  states: Uint8Array[]
  outbox: Map<number, Uint8Array>
}

export function createMemoryStore(fate: () => CommitFate): MemoryStore {
  const rows = new Map<number, Row>()
  const table = new Map<string, Candle>()
  const letters: DeadLetter[] = []
  let commits = 0
  const rowOf = (partition: number): Row => {
    const found = rows.get(partition) ?? {
      epoch: 0,
      nextOffset: 0,
      commitNo: 0,
      lastSeq: 0,
      states: [],
      outbox: new Map(),
    }
    rows.set(partition, found)
    return found
  }
  const unreachable = (): TransientError =>
    new TransientError({ code: 'STORE_UNREACHABLE', message: 'the store was made to fail' })

  const apply = (commit: Commit): void => {
    for (const part of commit.partitions) {
      const row = rowOf(part.partition)
      Object.assign(row, { nextOffset: part.nextOffset, commitNo: part.commitNo, lastSeq: part.lastSeq })
      if (part.stateFull) row.states = []
      row.states.push(part.state)
      for (const no of row.outbox.keys()) if (no <= part.outboxAckedThrough) row.outbox.delete(no)
      if (part.outbox !== undefined) row.outbox.set(part.commitNo, part.outbox)
      for (let i = 0; i < part.candles.length; i++) {
        const candle = candleOf(part.candles, i, part.symbolName(part.candles.symbol[i] ?? 0))
        table.set(`${candle.symbol} ${candle.interval} ${candle.start}`, candle)
      }
      letters.push(...part.deadLetters)
    }
  }

  return {
    storeId: 'memory',
    table,
    letters,
    get commits() {
      return commits
    },
    stealFrom(partition) {
      rowOf(partition).epoch += 1
    },
    async takeover(_topology, _topic, partitions) {
      return partitions.map((partition): PartitionCheckpoint => {
        const row = rowOf(partition)
        row.epoch += 1
        const outbox = [...row.outbox].map(([commitNo, payload]) => ({ commitNo, payload }))
        return {
          partition,
          epoch: row.epoch,
          nextOffset: row.nextOffset,
          commitNo: row.commitNo,
          lastSeq: row.lastSeq,
          states: [...row.states],
          outbox,
        }
      })
    },
    async commit(commit) {
      commits += 1
      const chosen = fate()
      await new Promise((resolve) => setImmediate(resolve))
      if (chosen === 'fails before') throw unreachable()
      const fenced = commit.partitions.filter((part) => {
        const row = rowOf(part.partition)
        return row.epoch !== part.epoch || row.nextOffset !== part.previousOffset
      })
      if (fenced.length > 0)
        throw new FencedError({ code: 'FENCED', message: `partitions ${fenced.map((part) => part.partition)}` })
      apply(commit)
      if (chosen === 'fails after') throw unreachable()
    },
    candles: async () => [],
    latest: async () => [],
    symbols: async () => [],
    async *scan() {
      yield [...table.values()]
    },
    positions: async () => [],
    deadLetters: async () => [],
    lateRanges: async () => [],
    ping: async () => undefined,
    close: async () => undefined,
  }
}
