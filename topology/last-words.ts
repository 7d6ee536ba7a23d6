import type { PartitionCommit } from '../ports/candle-store.ts'

/**
 * Leaves one word about each key of a table in a commit of several partitions: the highest partition's, as if they had
 * committed one after the other. Partitions write one key only where a topology's rows do not hold what they are keyed by.
 */
export function lastWords(commits: readonly PartitionCommit[]): PartitionCommit[] {
  const said = new Set<string>()
  const kept: PartitionCommit[] = []
  for (const commit of [...commits].reverse()) {
    const { tables } = commit
    const mine = tables?.filter(({ table, key }) => !said.has(`${table} ${JSON.stringify(key)}`))
    for (const { table, key } of mine ?? []) said.add(`${table} ${JSON.stringify(key)}`)
    kept.push(mine === undefined || mine.length === tables?.length ? commit : { ...commit, tables: mine })
  }
  return kept.reverse()
}
