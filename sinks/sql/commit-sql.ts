import type { TableSpec } from '../../schemas/table.ts'
import { mergeTableSql } from './table-sql.ts'

/** What a staged row is. `t1 … t4`, `n1 … n6` and `payload` mean for each: */
export const stageKind = {
  /** t1 topology, n1 epoch, n2 previous offset, n3 next offset, n4 commit, n5 last seq, n6 outbox acknowledged. */
  position: 0,
  candle: 1,
  /** t1 topology, n4 commit, partial = a full image. */
  state: 2,
  /** t1 topology, n4 commit. */
  outbox: 3,
  /** t1 topic, t2 reason, t3 detail, t4 source, n1 offset, n2 schema id. */
  deadLetter: 4,
  /** t1 topology, t2 reason, n1 first offset, n2 last offset, n3 count. */
  lateRange: 5,
  /** t1 table, t2 the row as JSON, or t3 the key of one that goes as JSON. */
  tableRow: 6,
  /** symbol, n1 from, n2 to, n3 1 where blind, n4 its place in the commit. */
  coverage: 7,
  /** symbol, t1 topology, t2 error, n1 held from, n2 failed at, n3 history from, payload state. */
  held: 8,
  /** symbol, t1 topology. */
  released: 9,
} as const

const candleKey = ['symbol', '"interval"', 'bucket']
const candleSums = ['volume', 'volume_low', 'quote_volume', 'quote_volume_low', 'buy_volume', 'buy_volume_low']
const candleCounts = ['trades', 'first_trade_id', 'last_trade_id', 'revision', 'seq']

/** Columns of a candle beside its key, in staged order. */
export const candleValues = [
  ...['open', 'high', 'low', 'close'],
  ...candleSums,
  ...candleCounts,
  ...['closed_by', 'fill', 'partial'],
]

/** Fields of a staged row after the candle's: t1 … t4, n1 … n6, payload. */
export const stageExtraFields = 11
export const stageFields = 2 + candleKey.length + candleValues.length + stageExtraFields

/** One staging table for the life of a session: made and dropped in every transaction it would bloat the catalogue. */
export const createStageSql = `
  CREATE TEMP TABLE redwick_stage (
    kind smallint, partition int, symbol text COLLATE "C", "interval" int, bucket timestamptz,
    open float8, high float8, low float8, close float8,
    ${candleSums.map((name) => `${name} float8`).join(', ')},
    ${candleCounts.map((name) => `${name} bigint`).join(', ')},
    closed_by smallint, fill smallint, partial boolean,
    t1 text, t2 text, t3 text, t4 text,
    n1 bigint, n2 bigint, n3 bigint, n4 bigint, n5 bigint, n6 bigint, payload bytea
  ) ON COMMIT DELETE ROWS`

const merged = [...candleValues, 'partition']

/** What a candle that is new to the table goes by. */
export const copyFreshSql = `COPY candles (${[...candleKey, ...merged].join(', ')})`
export const copyStageSql = 'COPY redwick_stage'

/**
 * Stage to tables. The transaction is fenced (`commit_offset`), so a row that arrives is the partition's newest word
 * and replaces what is there, whatever its revision: after its window state is gone a replaced bucket counts its
 * revisions anew, and a symbol may come from another partition whose `seq` is lower. Equal rows are left alone.
 * Rows go in order of their key: two writers in opposite order would deadlock.
 */
const mergeStageSql = `
  INSERT INTO candles AS t (${[...candleKey, ...merged].join(', ')})
  SELECT ${[...candleKey, ...merged].join(', ')} FROM redwick_stage WHERE kind = ${stageKind.candle}
  ORDER BY ${candleKey.join(', ')}
  ON CONFLICT (${candleKey.join(', ')}) DO UPDATE SET ${merged.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
  WHERE (${merged.map((name) => `t.${name}`).join(', ')})
    IS DISTINCT FROM (${merged.map((name) => `EXCLUDED.${name}`).join(', ')});
  INSERT INTO partition_state (topology, partition, commit_no, is_full, payload)
  SELECT t1, partition, n4, partial, payload FROM redwick_stage WHERE kind = ${stageKind.state}
  ORDER BY t1, partition, n4 ON CONFLICT DO NOTHING;
  DELETE FROM partition_state old USING redwick_stage s
  WHERE s.kind = ${stageKind.state} AND s.partial
    AND old.topology = s.t1 AND old.partition = s.partition AND old.commit_no < s.n4;
  INSERT INTO outbox (topology, partition, commit_no, payload)
  SELECT t1, partition, n4, payload FROM redwick_stage WHERE kind = ${stageKind.outbox}
  ORDER BY t1, partition, n4 ON CONFLICT DO NOTHING;
  DELETE FROM outbox old USING redwick_stage s
  WHERE s.kind = ${stageKind.position} AND old.topology = s.t1 AND old.partition = s.partition AND old.commit_no <= s.n6;
  INSERT INTO dead_letters (topic, partition, record_offset, symbol, reason, detail, source, schema_id, payload)
  SELECT t1, partition, n1, symbol, t2, t3, t4, n2, payload FROM redwick_stage WHERE kind = ${stageKind.deadLetter}
  ORDER BY t1, partition, n1, t4 ON CONFLICT DO NOTHING;
  INSERT INTO late_ranges (topology, partition, symbol, reason, from_offset, to_offset, count)
  SELECT t1, partition, symbol, t2, n1, n2, n3 FROM redwick_stage WHERE kind = ${stageKind.lateRange}
  ORDER BY t1, partition, n1;
  INSERT INTO coverage (partition, symbol, from_ms, to_ms, is_blind)
  SELECT partition, symbol, n1, n2, n3 = 1 FROM redwick_stage WHERE kind = ${stageKind.coverage}
  ORDER BY partition, n4;
  DELETE FROM quarantine old USING redwick_stage s
  WHERE s.kind = ${stageKind.released} AND old.topology = s.t1 AND old.partition = s.partition AND old.symbol = s.symbol;
  INSERT INTO quarantine (topology, partition, symbol, held_from, failed_at, history_from, error, state)
  SELECT t1, partition, symbol, n1, n2, n3, t2, payload FROM redwick_stage WHERE kind = ${stageKind.held}
  ORDER BY t1, partition, symbol;`

/** Everything between the COPY and the COMMIT, for a commit that writes these tables. */
export function mergeSql(tables: readonly TableSpec[]): string {
  return [mergeStageSql, ...tables.map((spec) => mergeTableSql(spec, stageKind.tableRow)), 'CALL commit_offset()'].join(
    '\n',
  )
}

/** The start of every error `commit_offset` raises; the partitions' numbers follow. */
export const fencedMessage = 'redwick fenced partitions: '
export const fencedState = '40001'
