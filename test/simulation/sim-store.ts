import type { CandleStore, Commit } from '../../ports/candle-store.ts'
import { TransientError } from '../../schemas/errors.ts'
import type { MemoryDatabase } from '../memory-store.ts'
import type { Mutant } from './mutants.ts'
import type { SimSurroundings } from './sim-surroundings.ts'

/** The database server: it goes on with a transaction that its client has given up. */
export interface SimStoreServer {
  /** Waits for the rows of these partitions, in order. @returns What gives them back. */
  lock(partitions: readonly number[]): Promise<() => void>
  /** Told of each commit at the moment at which it is durable. */
  onCommitted(commit: Commit): void
}

export function createSimStoreServer(onCommitted: (commit: Commit) => void): SimStoreServer {
  /** Those who wait for each locked row. */
  const waiting = new Map<number, (() => void)[]>()
  const lockOne = async (partition: number): Promise<void> => {
    const others = waiting.get(partition)
    if (others === undefined) waiting.set(partition, [])
    else await new Promise<void>((resolve) => others.push(resolve))
  }
  const free = (partition: number): void => {
    const next = waiting.get(partition)?.shift()
    if (next === undefined) waiting.delete(partition)
    else next()
  }
  return {
    async lock(partitions) {
      const sorted = [...partitions].sort((a, b) => a - b)
      for (const partition of sorted) await lockOne(partition)
      return () => sorted.forEach(free)
    },
    onCommitted,
  }
}

export interface SimStoreOptions extends SimSurroundings {
  readonly database: MemoryDatabase
  readonly server: SimStoreServer
  readonly mutant: Mutant | undefined
}

const unreachable = (): TransientError =>
  new TransientError({ code: 'STORE_UNREACHABLE', message: 'the store was made to fail' })
const refused = (): TransientError =>
  new TransientError({ code: 'STORE_REFUSED', message: 'the store was made to refuse' })

/** A client gives up after this time; the server, which holds the rows, does so later. */
const clientMsMax = 4000

/** The store as one process sees it. */
export function createSimStore(options: SimStoreOptions): CandleStore {
  const { database, server, process, time, conditions, mutant } = options
  /** Epochs that this process was given. */
  const epochs = new Map<number, number>()

  const arrive = async (): Promise<void> => {
    await time.sleep(conditions.latencyMs())
    if (conditions.store === 'unreachable') throw unreachable()
    if (conditions.store === 'slow') await time.sleep(200 + conditions.draw(3000))
  }
  const ask = <T>(label: string, operation: () => Promise<T> | T): Promise<T> =>
    process.call(label, async () => {
      await arrive()
      const result = await operation()
      await time.sleep(conditions.latencyMs())
      return result
    })

  /** One transaction at the server. */
  const transact = async (commit: Commit, holdMs: number, apply: () => void, isChecked: boolean): Promise<void> => {
    await time.sleep(conditions.latencyMs())
    const free = await server.lock(commit.partitions.map(({ partition }) => partition))
    try {
      if (isChecked && mutant !== 'no-fencing') database.check(commit)
      await time.sleep(holdMs)
      if (conditions.store === 'refuses') throw refused()
      apply()
    } finally {
      free()
    }
  }
  const applyAll = (commit: Commit) => (): void => {
    database.applyData(commit)
    database.applyOffsets(commit)
    server.onCommitted(commit)
  }

  const commitOnce = (commit: Commit, isChecked = true): Promise<void> =>
    ask('commit', async () => {
      const fate = conditions.commitFate()
      if (fate === 'fails before') throw unreachable()
      const failing = (): void => {
        throw unreachable()
      }
      const apply = fate === 'fails at the end' ? failing : applyAll(commit)
      const holdMs = fate === 'hangs' ? 1000 + conditions.draw(8000) : conditions.latencyMs()
      const transaction = transact(commit, holdMs, apply, isChecked)
      if (fate !== 'hangs') await transaction
      else {
        const given = await Promise.race([transaction.then(() => true), time.sleep(clientMsMax).then(() => false)])
        transaction.catch(() => undefined)
        if (!given) throw unreachable()
      }
      if (fate === 'answer lost') throw unreachable()
    })
  /** Planted: data and offsets are not one transaction. */
  const commitInTwo = async (commit: Commit): Promise<void> => {
    const parts = [() => database.applyOffsets(commit), () => database.applyData(commit)]
    if (mutant === 'data-before-offset') parts.reverse()
    for (const [i, apply] of parts.entries())
      await ask('commit', () =>
        transact(
          commit,
          conditions.latencyMs(),
          () => {
            apply()
            if (i === 1) server.onCommitted(commit)
          },
          i === 0,
        ),
      )
  }
  /** Planted: an error of COMMIT is taken for a failure. */
  const commitBlindly = async (commit: Commit): Promise<void> => {
    try {
      await commitOnce(commit)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      await process.clock.sleep(100)
      await commitOnce(commit, false)
    }
  }

  return {
    ...database,
    takeover: (topology, _topic, partitions, nowMs) =>
      ask('takeover', async () => {
        const early = partitions.map((partition) => database.checkpoint(topology, partition))
        const free = await server.lock(partitions)
        const found = partitions.map((partition, i) => {
          const before = database.checkpoint(topology, partition)
          const isSame = mutant === 'same-epoch' && before.epoch > 0 && epochs.get(partition) === before.epoch
          const epoch = isSame ? before.epoch : database.raiseEpoch(topology, partition, nowMs)
          epochs.set(partition, epoch)
          // Planted: the row is the newest, and what is joined to it is of the statement's beginning.
          const joined = mutant === 'takeover-in-one-statement' ? early[i] : undefined
          const { states, outbox, quarantines } = joined ?? before
          return { ...before, states, outbox, quarantines, epoch }
        })
        free()
        return found
      }),
    commit(commit) {
      if (mutant === 'offset-before-data' || mutant === 'data-before-offset') return commitInTwo(commit)
      return mutant === 'blind-retry' ? commitBlindly(commit) : commitOnce(commit)
    },
    positions: (topology) => ask('positions', () => database.positions(topology)),
    candles: (query) => ask('candles', () => database.candles(query)),
    ping: () => ask('ping', () => undefined),
  }
}
