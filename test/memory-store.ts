import type { CandleStore, Commit, PartitionCheckpoint, Quarantine, StoredTopology } from '../ports/candle-store.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Candle } from '../schemas/candle.ts'
import type { CoverageChange } from '../schemas/coverage.ts'
import type { DeadLetter, LateRange } from '../schemas/dead-letter.ts'
import { FencedError, TransientError } from '../schemas/errors.ts'
import { createMemoryTables } from './memory-tables.ts'

/** What a commit meets: it works, fails with nothing kept, or works while its answer is lost. */
export type CommitFate = 'ok' | 'fails before' | 'fails after'

/** What one topology keeps of one partition. */
interface Row {
  epoch: number
  nextOffset: number
  commitNo: number
  lastSeq: number
  states: Uint8Array[]
  outbox: Map<number, Uint8Array>
  quarantines: Map<string, Quarantine>
}

/** What a store holds, with what its transactions do at the moment they are committed. */
export interface MemoryDatabase extends Omit<CandleStore, 'takeover' | 'commit'> {
  readonly table: ReadonlyMap<string, Candle>
  readonly letters: readonly DeadLetter[]
  /** Late and repeated ticks. */
  readonly skipped: readonly LateRange[]
  /** @throws {FencedError} A partition is somebody else's, or does not stand where the commit says. */
  check(commit: Commit): void
  /** Everything of a commit that stands under an offset. */
  applyData(commit: Commit): void
  applyOffsets(commit: Commit): void
  /** @returns The new epoch: greater than the last, and at least `nowMs`. */
  raiseEpoch(topology: string, partition: number, nowMs: number): number
  checkpoint(topology: string, partition: number): PartitionCheckpoint
}

/** A candle store in memory, whose commits meet the fates that a test gives them. */
export interface MemoryStore extends CandleStore {
  readonly table: ReadonlyMap<string, Candle>
  readonly letters: readonly DeadLetter[]
  readonly commits: number
  /** Somebody else takes the partition over, as a rebalance elsewhere would. */
  stealFrom(partition: number, topology?: string): void
}

export function createMemoryDatabase(): MemoryDatabase {
  const rows = new Map<string, Row>()
  const table = new Map<string, Candle>()
  const letters: DeadLetter[] = []
  const skipped: LateRange[] = []
  const declared = new Map<string, StoredTopology>()
  const coverage: CoverageChange[] = []
  const tables = createMemoryTables()
  const rowOf = (topology: string, partition: number): Row => {
    const found = rows.get(`${topology} ${partition}`) ?? {
      ...{ epoch: 0, nextOffset: 0, commitNo: 0, lastSeq: 0, states: [] },
      outbox: new Map(),
      quarantines: new Map(),
    }
    rows.set(`${topology} ${partition}`, found)
    return found
  }
  const ofSymbol = (symbol: string): Candle[] =>
    [...table.values()].filter((row) => row.symbol === symbol).sort((a, b) => a.start - b.start)

  return {
    storeId: 'memory',
    renewId: async () => undefined,
    repartition: () => Promise.reject(new Error('not in memory')),
    table,
    letters,
    skipped,
    check(commit) {
      tables.check(commit)
      const fenced = commit.partitions
        .filter((part) => {
          const row = rowOf(commit.topology, part.partition)
          return row.epoch !== part.epoch || row.nextOffset !== part.previousOffset
        })
        .map(({ partition }) => partition)
      if (fenced.length > 0) throw new FencedError({ code: 'FENCED', message: `partitions ${fenced}` }, fenced)
    },
    applyData(commit) {
      tables.apply(commit)
      for (const part of commit.partitions) {
        const row = rowOf(commit.topology, part.partition)
        Object.assign(row, { commitNo: part.commitNo, lastSeq: part.lastSeq })
        if (part.stateFull) row.states = []
        row.states.push(part.state)
        for (const no of row.outbox.keys()) if (no <= part.outboxAckedThrough) row.outbox.delete(no)
        if (part.outbox !== undefined) row.outbox.set(part.commitNo, part.outbox)
        for (let i = 0; i < part.candles.length; i++) {
          const candle = candleOf(part.candles, i, part.symbolName(part.candles.symbol[i] ?? 0))
          table.set(`${candle.symbol} ${candle.interval} ${candle.start}`, candle)
        }
        letters.push(...part.deadLetters)
        skipped.push(...part.lateRanges)
        for (const one of part.held ?? []) row.quarantines.set(one.symbol, one)
        for (const symbol of part.released ?? []) row.quarantines.delete(symbol)
        coverage.push(...(part.coverage ?? []))
      }
    },
    applyOffsets(commit) {
      for (const part of commit.partitions) rowOf(commit.topology, part.partition).nextOffset = part.nextOffset
    },
    raiseEpoch(topology, partition, nowMs) {
      const row = rowOf(topology, partition)
      row.epoch = Math.max(row.epoch + 1, nowMs)
      return row.epoch
    },
    checkpoint(topology, partition) {
      const { epoch, nextOffset, commitNo, lastSeq, states, outbox, quarantines } = rowOf(topology, partition)
      return {
        ...{ partition, epoch, nextOffset, commitNo, lastSeq, states: [...states] },
        outbox: [...outbox].map(([no, payload]) => ({ commitNo: no, payload })),
        quarantines: [...quarantines.values()],
      }
    },
    candles: async ({ symbol, interval, from, to, limit }) =>
      ofSymbol(symbol)
        .filter((row) => row.interval === interval && row.start >= from && row.start < to)
        .slice(0, limit),
    ensureTable: tables.ensureTable,
    rows: tables.rows,
    latest: async (symbols, interval) =>
      symbols.flatMap((symbol) => ofSymbol(symbol).findLast((row) => row.interval === interval) ?? []),
    symbols: async () =>
      [...new Set([...table.values()].map(({ symbol }) => symbol))].map((symbol) => {
        const starts = ofSymbol(symbol).map(({ start }) => start)
        return { symbol, first: starts[0] ?? 0, last: starts.at(-1) ?? 0 }
      }),
    async *scan() {
      yield [...table.values()]
    },
    positions: async (topology) =>
      [...rows].flatMap(([key, { epoch, nextOffset, commitNo }]) => {
        const [name, partition] = key.split(' ')
        return name === topology ? [{ partition: Number(partition), epoch, nextOffset, commitNo }] : []
      }),
    heldKeys: async (topology) =>
      [...rows].flatMap(([key, { quarantines }]) => {
        const [name, partition] = key.split(' ')
        return name === topology
          ? [...quarantines.values()].map((one) => ({ ...one, partition: Number(partition) }))
          : []
      }),
    deadLetters: async () => [],
    lateRanges: async () => [],
    async declareTopology(topology) {
      const key = `${topology.name}|${topology.hash}`
      const now = Date.now()
      const firstRunAt = declared.get(key)?.firstRunAt ?? now
      declared.delete(key)
      declared.set(key, { ...topology, firstRunAt, lastRunAt: now })
    },
    topologies: async () => [...declared.values()].reverse(),
    committedTopics: async () => [],
    coverage: async (symbol, from, to) =>
      coverage.filter((change) => change.symbol === symbol && change.from < to && change.to > from),
    ping: async () => undefined,
    close: async () => undefined,
  }
}

export function createMemoryStore(fate: () => CommitFate): MemoryStore {
  const database = createMemoryDatabase()
  let commits = 0
  const unreachable = (): TransientError =>
    new TransientError({ code: 'STORE_UNREACHABLE', message: 'the store was made to fail' })
  return {
    ...database,
    get commits() {
      return commits
    },
    stealFrom: (partition, topology = 'candles') => void database.raiseEpoch(topology, partition, 0),
    takeover: async (topology, _topic, partitions, nowMs) =>
      partitions.map((partition) => {
        database.raiseEpoch(topology, partition, nowMs)
        return database.checkpoint(topology, partition)
      }),
    async commit(commit) {
      commits += 1
      const chosen = fate()
      await new Promise((resolve) => setImmediate(resolve))
      if (chosen === 'fails before') throw unreachable()
      database.check(commit)
      database.applyData(commit)
      database.applyOffsets(commit)
      if (chosen === 'fails after') throw unreachable()
    },
  }
}
