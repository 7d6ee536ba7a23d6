import { randomUUID } from 'node:crypto'
import type { CandleStore, StoredDeadLetter } from '../../ports/candle-store.ts'
import { createLane } from '../../ports/lane.ts'
import type { Candle } from '../../schemas/candle.ts'
import type { DeadLetterReason, LateRange } from '../../schemas/dead-letter.ts'
import { TransientError } from '../../schemas/errors.ts'
import { createCopyWriter } from '../binary-copy.ts'
import {
  candlesStatement,
  isStorable,
  latestStatement,
  scanPageRows,
  scanStatement,
  symbolsStatement,
  toCandle,
  toSymbolSpan,
} from './candle-queries.ts'
import { writeCommit } from './commit-rows.ts'
import { repartition } from './repartition.ts'
import type { SqlTransport } from './sql-transport.ts'
import { epochMsSql, toBoolean, toBytes, toNumber, toText } from './sql-values.ts'
import { conflictCode } from './store-errors.ts'
import { createTables } from './tables.ts'
import { checkTopic, takeOver } from './takeover.ts'
import { committedTopics, declareTopology, topologies } from './topologies.ts'

const mergesAfterConflict = 100

/** The candle store on any transport of PostgreSQL's SQL. Commits of one store run one after another. */
export function createSqlCandleStore(transport: SqlTransport, firstId: string): CandleStore {
  let storeId = firstId
  // One buffer, kept from commit to commit, would be overwritten by a second commit: each waits for the one before.
  const writers = { staged: createCopyWriter(), fresh: createCopyWriter() }
  /** Commits that go over the stage as a whole: where candles are written again, one conflict follows the other. */
  let mergesLeft = 0
  const tables = createTables(transport)
  const inLane = createLane()

  async function* scan(filter: { readonly symbol?: string; readonly interval?: number }) {
    if (!isStorable(filter.symbol ?? '')) return
    for (let after: Candle | undefined; ; ) {
      const page = (await transport.query(scanStatement(filter, after))).map(toCandle)
      if (page.length > 0) yield page
      if (page.length < scanPageRows) return
      after = page.at(-1)
    }
  }

  return {
    get storeId() {
      return storeId
    },
    async renewId() {
      const renewed = randomUUID()
      await transport.query({
        text: `UPDATE store_meta SET value = $1 WHERE key = 'store_id' RETURNING value`,
        parameters: [renewed],
      })
      storeId = renewed
    },
    async takeover(topology, topic, partitions, nowMs) {
      await checkTopic(transport, topology, topic)
      return takeOver(transport, topology, partitions, nowMs)
    },
    repartition: (topology, change) => repartition(transport, topology, change),
    commit: (commit) =>
      inLane(async () => {
        if (commit.partitions.length === 0) return
        const written = tables.writtenBy(commit)
        const isDirect = mergesLeft === 0
        mergesLeft = Math.max(0, mergesLeft - 1)
        try {
          await transport.commit(await writeCommit(writers, commit, written, isDirect), written)
        } catch (error) {
          if (!isDirect || !(error instanceof TransientError) || error.code !== conflictCode) throw error
          mergesLeft = mergesAfterConflict
          await transport.commit(await writeCommit(writers, commit, written, false), written)
        }
      }),
    ensureTable: tables.ensure,
    rows: tables.rows,
    async candles(query) {
      if (!isStorable(query.symbol) || query.limit <= 0) return []
      const rows = (await transport.query(candlesStatement(query))).map(toCandle)
      return query.take === 'newest' ? rows.reverse() : rows
    },
    async latest(symbols, interval) {
      const wanted = symbols.filter(isStorable)
      if (wanted.length === 0) return []
      return (await transport.query(latestStatement(wanted, interval))).map(toCandle)
    },
    symbols: async () => (await transport.query(symbolsStatement)).map(toSymbolSpan),
    scan,
    async positions(topology) {
      const text = `SELECT partition, epoch, next_offset, commit_no FROM partitions WHERE topology = $1 ORDER BY partition`
      const rows = await transport.query({ text, parameters: [topology] })
      return rows.map((row) => ({
        partition: toNumber(row[0]),
        epoch: toNumber(row[1]),
        nextOffset: toNumber(row[2]),
        commitNo: toNumber(row[3]),
      }))
    },
    async heldKeys(topology) {
      const text = `SELECT partition, symbol, held_from, failed_at, history_from, error FROM quarantine
        WHERE topology = $1 ORDER BY partition, symbol`
      const rows = await transport.query({ text, parameters: [topology] })
      return rows.map((row) => ({
        ...{ partition: toNumber(row[0]), symbol: toText(row[1]), heldFrom: toNumber(row[2]) },
        ...{ failedAt: toNumber(row[3]), historyFrom: toNumber(row[4]), error: toText(row[5]) },
      }))
    },
    async deadLetters(limit) {
      const text = `SELECT topic, partition, record_offset, reason, detail, symbol, schema_id, source, payload,
        ${epochMsSql('stored_at')} FROM dead_letters ORDER BY id DESC LIMIT $1::bigint`
      return (await transport.query({ text, parameters: [limit] })).map(toDeadLetter)
    },
    async lateRanges(limit) {
      const text = `SELECT partition, from_offset, to_offset, symbol, reason, count
        FROM late_ranges ORDER BY id DESC LIMIT $1::bigint`
      return (await transport.query({ text, parameters: [limit] })).map(toLateRange)
    },
    declareTopology: (declared) => declareTopology(transport, declared),
    topologies: () => topologies(transport),
    committedTopics: (topology) => committedTopics(transport, topology),
    async coverage(symbol, from, to) {
      if (!isStorable(symbol)) return []
      const text = `SELECT from_ms, to_ms, is_blind FROM coverage
        WHERE symbol = $1 AND to_ms > $2::bigint AND from_ms < $3::bigint ORDER BY id`
      const rows = await transport.query({ text, parameters: [symbol, from, to] })
      return rows.map((row) => ({
        symbol,
        from: toNumber(row[0]),
        to: toNumber(row[1]),
        kind: toBoolean(row[2]) ? ('blind' as const) : ('settled' as const),
      }))
    },
    ping: async () => void (await transport.query({ text: 'SELECT 1' })),
    close: () => transport.close(),
  }
}

function toDeadLetter(row: readonly unknown[]): StoredDeadLetter {
  return {
    topic: toText(row[0]),
    partition: toNumber(row[1]),
    offset: toNumber(row[2]),
    // Only `commit` writes here, and it takes nothing else.
    reason: toText(row[3]) as DeadLetterReason,
    detail: toText(row[4]),
    symbol: toText(row[5]),
    schemaId: row[6] === null ? null : toNumber(row[6]),
    source: toText(row[7]),
    payload: toBytes(row[8]),
    storedAt: toNumber(row[9]),
  }
}

function toLateRange(row: readonly unknown[]): LateRange {
  return {
    partition: toNumber(row[0]),
    fromOffset: toNumber(row[1]),
    toOffset: toNumber(row[2]),
    symbol: toText(row[3]),
    reason: row[4] === 'late' ? 'late' : 'duplicate',
    count: toNumber(row[5]),
  }
}
