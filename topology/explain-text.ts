import type { Candle } from '../schemas/candle.ts'
import { decimalText, vwapText } from '../schemas/decimal-text.ts'
import { intervalName } from '../schemas/intervals.ts'
import { iso, type SeenTicks } from './candle-witness.ts'
import { candleTitle, type Explanation } from './explain.ts'

function seenText(name: string, { count, firstOffset, lastOffset, ticks }: SeenTicks): string[] {
  if (count === 0) return []
  const lines = ticks.map(
    ({ offset, eventTime, price, size, side, tradeId, note }) =>
      `    ${offset}  ${iso(eventTime)}  ${decimalText(price)} x ${decimalText(size)}  ${side}  id ${tradeId}${note === '' ? '' : `  ${note}`}`,
  )
  const more = count > ticks.length ? [`    ... and ${count - ticks.length} more (--limit)`] : []
  return [`  ${name}: ${count}, offsets ${firstOffset ?? ''} to ${lastOffset ?? ''}`, ...lines, ...more]
}

function candleText(candle: Candle | undefined): string {
  if (candle === undefined) return 'no row'
  const { open, high, low, close, volume, quoteVolume, buyVolume, trades, revision, closedBy, final } = candle
  const numbers = [
    ['open', open],
    ['high', high],
    ['low', low],
    ['close', close],
    ['volume', volume],
    ['quote', quoteVolume],
    ['buy', buyVolume],
  ] as const
  return [
    ...numbers.map(([name, value]) => `${name} ${decimalText(value)}`),
    `vwap ${vwapText(candle)}`,
    `trades ${trades}`,
    `ids ${candle.firstTradeId}..${candle.lastTradeId}`,
    `revision ${revision}`,
    final ? `closed by ${closedBy}` : 'open',
    ...(candle.partial ? ['partial'] : []),
  ].join('  ')
}

function closeText({ witness, end }: Explanation): string {
  const { close, corrections, used, history } = witness
  if (used.count === 0 && history.length === 0) return '  the log holds no tick that was used in this window'
  if (close === undefined) return '  not closed'
  const watermark = close.watermark === undefined ? 'none' : iso(close.watermark)
  const after = corrections === 0 ? '' : `; ${corrections} ticks came after it, as corrections`
  return `  closed by ${close.by} at offset ${close.offset} (${close.record}), watermark ${watermark}, end ${iso(end)}${after}`
}

function baseText(bases: readonly Candle[], limit: number): string[] {
  if (bases.length === 0) return []
  const lines = bases
    .slice(0, limit)
    .map(
      ({ start, open, high, low, close, volume, trades }) =>
        `    ${iso(start)}  ${[open, high, low, close].map(decimalText).join(' ')}  volume ${decimalText(volume)}  trades ${trades}`,
    )
  const more = bases.length > limit ? [`    ... and ${bases.length - limit} more (--limit)`] : []
  const trades = bases.reduce((sum, one) => sum + one.trades, 0)
  const name = intervalName(bases[0]?.interval ?? 0)
  return [`  made of ${bases.length} ${name} candles, ${trades} trades in all`, ...lines, ...more]
}

function verdictText({ verdict, differences, why }: Explanation): string[] {
  switch (verdict) {
    case 'equal':
      return ['verdict: equal', ...(why === '' ? [] : [`  but ${why}`])]
    case 'open':
      return ['verdict: open, nothing is stored of it yet']
    case 'different':
    case 'unverified':
      return [
        ...differences.map(
          ({ field, stored, computed }) =>
            `  ${field}: stored ${stored || 'no row'}, the log gives ${computed || 'no row'}`,
        ),
        verdict === 'different' ? 'verdict: different' : `verdict: unverified, for ${why}`,
      ]
  }
}

/** An explanation for people. `limit`: base candles told, at most. */
export function explanationText(explanation: Explanation, limit: number): string {
  const { log, witness, partition, end, bases, computed, stored } = explanation
  const { used, late, duplicate, rejected, unreadable } = witness
  const isBase = bases.length === 0
  return [
    `${candleTitle(explanation)} to ${iso(end)}, partition ${partition}`,
    `  read ${log.records} records, offsets ${log.from} to ${log.to} (the log begins at ${log.earliest}, committed is ${log.to})`,
    ...seenText('ticks used', isBase ? used : { ...used, ticks: [] }).slice(0, isBase ? undefined : 1),
    ...baseText(bases, limit),
    ...seenText('late', late),
    ...seenText('duplicate', duplicate),
    ...seenText('rejected', rejected),
    ...(unreadable > 0
      ? [`  ${unreadable} records between them were no ticks at all (npm run dead-letters -- list)`]
      : []),
    closeText(explanation),
    ...(witness.history.length === 0
      ? []
      : [
          `  history replaced buckets of it: ${witness.history.length} markers, the last at offset ${witness.history.at(-1)}`,
        ]),
    `  the log gives  ${candleText(computed)}`,
    `  stored         ${candleText(stored)}`,
    ...verdictText(explanation),
  ].join('\n')
}
