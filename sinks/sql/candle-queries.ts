import type { CandleQuery, SymbolSpan } from '../../ports/candle-store.ts'
import type { Candle } from '../../schemas/candle.ts'
import { closedByNames, fillNames } from '../../schemas/candle.ts'
import { invariant } from '../../schemas/errors.ts'
import { candleValues } from './commit-sql.ts'
import type { SqlParameter, SqlStatement } from './sql-transport.ts'
import { arrayLiteral, epochMsSql, timeParameter, timeSql, toBoolean, toNumber, toText } from './sql-values.ts'

const selectList = ['symbol', '"interval"', epochMsSql('bucket'), ...candleValues].join(', ')

/** Rows in a page of `scan`. */
export const scanPageRows = 2000

/** A symbol no row can have: PostgreSQL's text holds no U+0000. */
export const isStorable = (symbol: string): boolean => !symbol.includes('\0')

export function candlesStatement(query: CandleQuery): SqlStatement {
  const order = query.take === 'newest' ? 'DESC' : 'ASC'
  return {
    text: `SELECT ${selectList} FROM candles
      WHERE symbol = $1 AND "interval" = $2::int AND bucket >= ${timeSql(3)} AND bucket < ${timeSql(4)}
      ORDER BY bucket ${order} LIMIT $5::bigint`,
    parameters: [query.symbol, query.interval, timeParameter(query.from), timeParameter(query.to), query.limit],
  }
}

export function latestStatement(symbols: readonly string[], interval: number): SqlStatement {
  return {
    text: `SELECT ${selectList.replace('symbol,', 'c.symbol,')}
      FROM (SELECT DISTINCT unnest($1::text::text[]) COLLATE "C" AS wanted) w, LATERAL (
        SELECT * FROM candles WHERE symbol = w.wanted AND "interval" = $2::int ORDER BY bucket DESC LIMIT 1) c
      ORDER BY c.symbol`,
    parameters: [arrayLiteral(symbols), interval],
  }
}

/** Hops from one (symbol, interval) to the next along the primary key: the cost is that of the pairs, not of the rows. */
export const symbolsStatement: SqlStatement = {
  text: `WITH RECURSIVE pair AS (
      (SELECT symbol, "interval" FROM candles ORDER BY symbol, "interval" LIMIT 1)
      UNION ALL
      SELECT following.symbol, following."interval" FROM pair, LATERAL (
        SELECT c.symbol, c."interval" FROM candles c
        WHERE (c.symbol, c."interval") > (pair.symbol, pair."interval")
        ORDER BY c.symbol, c."interval" LIMIT 1) following)
    SELECT pair.symbol, ${epochMsSql('min(ends.first)')}, ${epochMsSql('max(ends.last)')}
    FROM pair, LATERAL (
      SELECT min(c.bucket) AS first, max(c.bucket) AS last FROM candles c
      WHERE c.symbol = pair.symbol AND c."interval" = pair."interval") ends
    GROUP BY pair.symbol ORDER BY pair.symbol`,
}

export function toSymbolSpan(row: readonly unknown[]): SymbolSpan {
  return { symbol: toText(row[0]), first: toNumber(row[1]), last: toNumber(row[2]) }
}

/** The page of candles after `last`, ascending by primary key. */
export function scanStatement(
  filter: { readonly symbol?: string; readonly interval?: number },
  last: Candle | undefined,
): SqlStatement {
  const parameters: SqlParameter[] = [scanPageRows]
  const next = (value: SqlParameter) => parameters.push(value)
  const where: string[] = []
  if (filter.symbol !== undefined) where.push(`symbol = $${next(filter.symbol)}`)
  if (filter.interval !== undefined) where.push(`"interval" = $${next(filter.interval)}::int`)
  if (last !== undefined) {
    const key = [`$${next(last.symbol)}`, `$${next(last.interval)}::int`, timeSql(next(timeParameter(last.start)))]
    where.push(`(symbol, "interval", bucket) > (${key.join(', ')})`)
  }
  const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`
  return {
    text: `SELECT ${selectList} FROM candles ${condition} ORDER BY symbol, "interval", bucket LIMIT $1::bigint`,
    parameters,
  }
}

export function toCandle(row: readonly unknown[]): Candle {
  const number = (column: number) => toNumber(row[column])
  const closedBy = closedByNames[number(18)]
  const fill = fillNames[number(19)]
  invariant(closedBy !== undefined && fill !== undefined, 'closed_by and fill are known codes')
  const interval = number(1)
  const start = number(2)
  return {
    symbol: toText(row[0]),
    interval,
    start,
    end: start + interval * 1000,
    open: number(3),
    high: number(4),
    low: number(5),
    close: number(6),
    volume: number(7),
    volumeLow: number(8),
    quoteVolume: number(9),
    quoteVolumeLow: number(10),
    buyVolume: number(11),
    buyVolumeLow: number(12),
    trades: number(13),
    firstTradeId: number(14),
    lastTradeId: number(15),
    final: true,
    revision: number(16),
    closedBy,
    fill,
    partial: toBoolean(row[20]),
    seq: number(17),
  }
}
