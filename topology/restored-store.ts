import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Log } from '../ports/logger.ts'

export interface RestoredStoreOptions {
  readonly broker: Pick<Broker, 'admin'>
  readonly store: CandleStore
  readonly topic: string
  readonly topology: string
  readonly groupId: string
  readonly log: Log
}

/**
 * A store that is older than what its group has read was restored from a backup, or lost its last commits: a group's
 * offsets follow the commit. The log is read again from what is committed, and rows get the `seq` of others that clients
 * have seen: under a new id nobody goes on from a place in the store that was.
 */
export async function noticeRestoredStore(options: RestoredStoreOptions): Promise<void> {
  const { broker, store, topic, topology, groupId, log } = options
  // The group first: what is committed meanwhile must not look like a loss.
  const read = await broker.admin.groupOffsets(groupId, topic)
  const committed = new Map(
    (await store.positions(topology)).map(({ partition, nextOffset }) => [partition, nextOffset]),
  )
  const lost = [...read].filter(([partition, offset]) => offset > (committed.get(partition) ?? 0))
  if (lost.length === 0) return
  await store.renewId()
  log('warn', 'the store is older than what was read of the log: it is read again from there, clients begin anew', {
    partitions: lost.map(([partition, offset]) => `${partition}: ${committed.get(partition) ?? 0}, read ${offset}`),
  })
}
