import type { Commit, PartitionCommit, TopicIdentity } from '../ports/candle-store.ts'
import { type Candle, closedByNames, emissionNames, fillNames } from '../schemas/candle.ts'
import { type CandleColumns, createCandleColumns } from '../schemas/candle-columns.ts'

/** Samples for the tests of stores: a flat candle, and a commit that says nothing but its position. */
export const sampleTopic: TopicIdentity = { topic: 'ticks', topicId: 'topic-1', partitions: 8 }

export function sampleCandle(changes: Partial<Candle> = {}): Candle {
  const { start = 0, interval = 60 } = changes
  return {
    symbol: 'BTC-USD',
    interval,
    start,
    end: start + interval * 1000,
    open: 1,
    high: 1,
    low: 1,
    close: 1,
    volume: 1,
    volumeLow: 0,
    quoteVolume: 1,
    quoteVolumeLow: 0,
    buyVolume: 0,
    buyVolumeLow: 0,
    trades: 1,
    firstTradeId: 1,
    lastTradeId: 1,
    final: true,
    revision: 1,
    closedBy: 'watermark',
    fill: 'traded',
    partial: false,
    seq: 1,
    ...changes,
  }
}

function columnsOf(candles: readonly Candle[]): { readonly columns: CandleColumns; readonly names: string[] } {
  const columns = createCandleColumns(Math.max(candles.length, 1))
  const names: string[] = []
  candles.forEach((candle, row) => {
    names.push(candle.symbol)
    columns.symbol[row] = row
    columns.interval[row] = candle.interval
    columns.start[row] = candle.start
    columns.open[row] = candle.open
    columns.high[row] = candle.high
    columns.low[row] = candle.low
    columns.close[row] = candle.close
    columns.volume[row] = candle.volume
    columns.volumeLow[row] = candle.volumeLow
    columns.quoteVolume[row] = candle.quoteVolume
    columns.quoteVolumeLow[row] = candle.quoteVolumeLow
    columns.buyVolume[row] = candle.buyVolume
    columns.buyVolumeLow[row] = candle.buyVolumeLow
    columns.trades[row] = candle.trades
    columns.firstTradeId[row] = candle.firstTradeId
    columns.lastTradeId[row] = candle.lastTradeId
    columns.revision[row] = candle.revision
    columns.seq[row] = candle.seq
    columns.closedBy[row] = closedByNames.indexOf(candle.closedBy)
    columns.fill[row] = fillNames.indexOf(candle.fill)
    columns.partial[row] = candle.partial ? 1 : 0
    columns.kind[row] = emissionNames.indexOf(candle.revision > 1 ? 'correction' : 'final')
  })
  columns.length = candles.length
  return { columns, names }
}

export function samplePart(
  changes: Partial<PartitionCommit> & Pick<PartitionCommit, 'epoch' | 'previousOffset' | 'commitNo'>,
  candles: readonly Candle[] = [],
): PartitionCommit {
  const { columns, names } = columnsOf(candles)
  return {
    partition: 0,
    nextOffset: changes.previousOffset + 10,
    lastSeq: changes.commitNo,
    candles: columns,
    symbolName: (id) => names[id] ?? '',
    state: new Uint8Array(0),
    stateFull: false,
    outbox: undefined,
    outboxAckedThrough: 0,
    deadLetters: [],
    lateRanges: [],
    ...changes,
  }
}

export function sampleCommit(topology: string, ...partitions: readonly PartitionCommit[]): Commit {
  return { topology, topic: sampleTopic.topic, partitions }
}
