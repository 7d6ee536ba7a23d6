import type { StoredRecord } from '../../ports/broker.ts'
import type { Candle } from '../../schemas/candle.ts'
import type { TopicNames } from '../../schemas/topics.ts'
import { candleDifferences } from '../../topology/candle-difference.ts'
import type { Codecs } from '../../topology/codecs.ts'
import { keyOf } from './reference.ts'
import type { SimCluster } from './sim-cluster.ts'

/** What the topics of candles have told. */
export interface TopicWatch {
  takeLive(partition: number, record: StoredRecord): void
  takeFinal(partition: number, record: StoredRecord): void
  /** Highest revision of a final or correction on `candles.live`, by key. */
  readonly told: ReadonlyMap<string, number>
  /** Revision of the newest one on `candles`, by key. */
  readonly published: ReadonlyMap<string, number>
  takeLetter(partition: number, record: StoredRecord): void
  /** Each record on the topic of dead letters, as `letterName` says it. */
  readonly letters: ReadonlySet<string>
}

/** A dead letter by what it is of. */
export const letterName = (letter: {
  readonly partition: number | string | undefined
  readonly offset: number | string | undefined
  readonly reason: string | undefined
}): string => `${letter.partition}@${letter.offset} ${letter.reason}`

export interface TopicWatchOptions {
  readonly codecs: Codecs
  /** Rows of the store, by key. */
  readonly table: ReadonlyMap<string, Candle>
  /** The store was set back: of what the lost part of its life has told, it may say again, in another order. */
  readonly isRestored?: boolean
  violation(what: string): void
}

/** Looks at each record as it is appended. */
export function watchTopics(cluster: SimCluster, topics: TopicNames, options: TopicWatchOptions): TopicWatch {
  const watch = createTopicWatch(options)
  for (const [topic, take] of [
    [topics.candlesLive, watch.takeLive],
    [topics.candles, watch.takeFinal],
    [topics.deadLetters, watch.takeLetter],
  ] as const)
    cluster.onAppend(topic, (partition, records) => {
      for (const record of records) take(partition, record)
    })
  return watch
}

export function createTopicWatch({ codecs, table, isRestored = false, violation }: TopicWatchOptions): TopicWatch {
  const told = new Map<string, number>()
  const published = new Map<string, number>()
  /** Of the newest owner on `candles.live`, and of the newest record on `candles`, by partition. */
  const owners = new Map<number, number>()
  const writers = new Map<number, number>()
  const channels = new Map<string, { readonly e: number; readonly q: number }>()

  const checkCommitted = (candle: Candle): void => {
    const row = table.get(keyOf(candle))
    if (row === undefined || row.revision < candle.revision)
      violation(`${keyOf(candle)} is published at revision ${candle.revision}, the table has ${row?.revision}`)
    else if (row.revision === candle.revision) {
      const differing = candleDifferences(row, candle).map(({ field }) => field)
      if (row.seq !== candle.seq && !isRestored) differing.push('seq')
      if (differing.length > 0)
        violation(`${keyOf(candle)} is published with another ${differing.join(', ')} than stored`)
    }
  }
  const beginEpoch = (partition: number, epoch: number): void => {
    const owner = owners.get(partition) ?? 0
    if (epoch === owner) violation(`epoch ${epoch} of partition ${partition} begins twice`)
    // One that is overtaken on its way is passed over by every reader.
    owners.set(partition, Math.max(owner, epoch))
  }
  const takeLive = (partition: number, record: StoredRecord): void => {
    const decoded = codecs.decodeLive(record)
    if (decoded === undefined) violation('a record of candles.live cannot be read')
    else if ('epoch' in decoded) beginEpoch(partition, decoded.epoch)
    else {
      const { e, q, kind, candle } = decoded
      const owner = owners.get(partition) ?? 0
      if (e < owner) return
      const channel = `${candle.symbol} ${candle.interval}`
      const last = channels.get(channel)
      if (e > owner) violation(`${channel} of epoch ${e} in ${owner}`)
      if (q !== (last?.e === e ? last.q : 0) + 1) violation(`${channel} ${e}/${q} after ${last?.e}/${last?.q}`)
      channels.set(channel, { e, q })
      if (kind === 'update') return
      const before = told.get(keyOf(candle))
      if (kind === 'final' && before !== undefined && before !== candle.revision && !isRestored)
        violation(`${keyOf(candle)} is final a second time, at revision ${candle.revision} after ${before}`)
      told.set(keyOf(candle), Math.max(told.get(keyOf(candle)) ?? 0, candle.revision))
      checkCommitted(candle)
    }
  }
  const takeFinal = (partition: number, record: StoredRecord): void => {
    const decoded = codecs.decodeLive(record)
    if (decoded === undefined || 'epoch' in decoded) violation('a record of candles cannot be read')
    else {
      const { e, candle } = decoded
      const writer = writers.get(partition) ?? 0
      if (e < writer) violation(`a final of epoch ${e} after ${writer} in partition ${partition}`)
      writers.set(partition, Math.max(writer, e))
      checkCommitted(candle)
      published.set(keyOf(candle), candle.revision)
    }
  }
  const letters = new Set<string>()
  const takeLetter = (_partition: number, { headers }: StoredRecord): void => {
    const { partition, offset, reason } = headers
    letters.add(letterName({ partition, offset, reason }))
  }
  return { takeLive, takeFinal, takeLetter, told, published, letters }
}
