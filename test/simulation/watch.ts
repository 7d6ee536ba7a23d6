import type { Commit } from '../../ports/candle-store.ts'
import { candleDifferences } from '../../topology/candle-difference.ts'
import type { MemoryDatabase } from '../memory-store.ts'
import type { Reference } from './reference.ts'
import { letterName, type TopicWatch } from './topic-watch.ts'

/** Compares what is committed with what the log's prefix gives. */
export interface Watch {
  /** At the moment at which a commit is durable. */
  committed(commit: Commit): void
  /** When all is read, committed and published. */
  ended(): void
  /** What was not told, or not published, at its last revision. */
  untold(): readonly string[]
}

export interface WatchOptions {
  readonly database: MemoryDatabase
  /** By partition. */
  readonly references: readonly Reference[]
  readonly topicWatch: TopicWatch
  violation(what: string): void
}

export function createWatch({ database, references, topicWatch, violation }: WatchOptions): Watch {
  const compareRow = (key: string, reference: Reference, at: string): void => {
    const [difference] = candleDifferences(database.table.get(key), reference.rows.get(key))
    if (difference === undefined) return
    const { field, stored, computed } = difference
    violation(`${at}: ${key}: ${field} is ${stored || 'none'}, the log gives ${computed || 'none'}`)
  }
  const compareLetters = (partition: number, { refused }: Reference, at: string): void => {
    const found = database.letters.filter((one) => one.partition === partition)
    const [got, wanted] = [found.map(({ offset, reason }) => `${offset} ${reason}`), [...refused]].map((list) =>
      list.sort(),
    )
    if (String(got) !== String(wanted)) violation(`${at}: dead letters are ${got}, the log gives ${wanted}`)
  }
  const compareSkipped = (partition: number, { counts }: Reference, at: string): void => {
    for (const reason of ['late', 'duplicate'] as const) {
      const ranges = database.skipped.filter((one) => one.partition === partition && one.reason === reason)
      const stored = ranges.reduce((sum, { count }) => sum + count, 0)
      if (stored !== counts[reason]) violation(`${at}: ${stored} ${reason}, the log gives ${counts[reason]}`)
    }
  }

  const untold = (): readonly string[] => [
    ...[...database.table].flatMap(([key, { revision }]) => {
      const [told, published] = [topicWatch.told.get(key), topicWatch.published.get(key)]
      return [
        ...(told === revision ? [] : [`${key} was told at revision ${told}, stored is ${revision}`]),
        ...(published === revision ? [] : [`${key} was published at revision ${published}, stored is ${revision}`]),
      ]
    }),
    ...database.letters
      .map(letterName)
      .filter((name) => !topicWatch.letters.has(name))
      .map((name) => `the dead letter ${name} is not on its topic`),
  ]

  return {
    untold,
    committed({ partitions }) {
      for (const { partition, nextOffset, candles, symbolName } of partitions) {
        const reference = references[partition]
        if (reference === undefined) continue
        const at = `partition ${partition} at ${nextOffset}`
        const keys = new Set(reference.advance(nextOffset))
        for (let i = 0; i < candles.length; i++)
          keys.add(`${symbolName(candles.symbol[i] ?? 0)} ${candles.interval[i]} ${candles.start[i]}`)
        for (const key of keys) compareRow(key, reference, at)
        compareLetters(partition, reference, at)
        compareSkipped(partition, reference, at)
      }
    },
    ended() {
      const rows = references.reduce((sum, reference) => sum + reference.rows.size, 0)
      if (database.table.size !== rows) violation(`the table has ${database.table.size} rows, the logs give ${rows}`)
      for (const reference of references)
        for (const key of reference.rows.keys()) compareRow(key, reference, 'at the end')
      for (const what of untold()) violation(what)
    },
  }
}
