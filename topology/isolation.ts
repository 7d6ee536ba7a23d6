import type { Clock } from '../ports/clock.ts'
import type { SourceBatch } from '../schemas/batch-decoder.ts'
import { FencedError, messageOf, TransientError } from '../schemas/errors.ts'
import type { Ownership } from './ownership.ts'
import type { Piece, PreparedCommit, Runner } from './stage.ts'

/** Keys held in a partition; one more pauses it. */
export const heldKeysMax = 10

/** An offset that fails again within this time pauses its partition. */
export const sameOffsetMs = 60_000

/** Processes batches, so that what makes a step throw costs its key, or its partition, and never more. */
export interface Isolation<Batch, Prepared extends PreparedCommit> {
  /** Never throws: where processing failed, the runner is dropped when this returns. */
  process(runner: Runner<Batch, Prepared>, batch: Batch): void
  /** Trouble outside of a batch: what may pass is recovered from, anything else pauses the partition. */
  failed(partition: number, error: unknown): void
  /** The partition is somebody else's. */
  forget(partition: number): void
}

export interface IsolationOptions<Batch, Prepared extends PreparedCommit> {
  readonly ownership: Ownership<Batch, Prepared>
  readonly clock: Clock
  onFatal(error: unknown): void
}

/** Offsets that are processed record by record. */
interface Search {
  readonly from: number
  readonly to: number
  /** A record was found that fails by itself. */
  readonly isExplained: boolean
}

export function createIsolation<Batch extends SourceBatch, Prepared extends PreparedCommit>(
  options: IsolationOptions<Batch, Prepared>,
): Isolation<Batch, Prepared> {
  const { ownership, clock, onFatal } = options
  const searches = new Map<number, Search>()
  /** By partition: what failed lately (a record, or a batch of which none did), and when. */
  const failures = new Map<number, Map<string, number>>()

  const isMendedByTakeover = (error: unknown): boolean =>
    error instanceof TransientError || error instanceof FencedError
  const recover = (partition: number, error: unknown): void =>
    // Not awaited: it pauses the partition at once, and seeks back.
    void ownership.recover([partition], error).catch(onFatal)

  /** Notes a failure. @returns Whether it is the second one there within the time. */
  const isSecond = (partition: number, what: 'batch' | 'record', offset: number): boolean => {
    const now = clock.monotonic()
    const known = new Map([...(failures.get(partition) ?? [])].filter(([, at]) => now - at < sameOffsetMs))
    failures.set(partition, known)
    const key = `${what} ${offset}`
    if (known.has(key)) return true
    known.set(key, now)
    return false
  }
  const pause = (partition: number, error: unknown, offset: number | undefined, why: string): void => {
    searches.delete(partition)
    ownership.pause(partition, { error, why, ...(offset === undefined ? {} : { offset }) })
  }

  const batchFailed = (runner: Runner<Batch, Prepared>, batch: Batch, error: unknown): void => {
    const { partition } = runner
    const { baseOffset, nextOffset } = batch
    if (isMendedByTakeover(error)) recover(partition, error)
    else if (runner.pieces === undefined) pause(partition, error, baseOffset, 'its records are not held by key')
    else {
      const search = searches.get(partition)
      searches.set(partition, {
        from: Math.min(baseOffset, search?.from ?? baseOffset),
        to: Math.max(nextOffset, search?.to ?? nextOffset),
        isExplained: false,
      })
      ownership
        .restart(partition, `a step threw in a batch from offset ${baseOffset}: ${messageOf(error)}`)
        .catch(onFatal)
    }
  }
  const pieceFailed = (runner: Runner<Batch, Prepared>, { offset, key }: Piece<Batch>, error: unknown): void => {
    const { partition } = runner
    if (isMendedByTakeover(error)) recover(partition, error)
    else if (key === undefined) pause(partition, error, offset, 'the record is no key’s')
    else if (isSecond(partition, 'record', offset)) pause(partition, error, offset, 'it failed twice in a minute')
    else if ((runner.heldKeys ?? 0) >= heldKeysMax)
      pause(partition, error, offset, `${heldKeysMax} keys of it are held already`)
    else {
      const search = searches.get(partition)
      if (search !== undefined) searches.set(partition, { ...search, isExplained: true })
      ownership.hold(partition, { symbol: key, offset, error: messageOf(error) }).catch(onFatal)
    }
  }

  /** @returns Whether all of it is processed. */
  const processed = (runner: Runner<Batch, Prepared>, batch: Batch): boolean => {
    try {
      runner.process(batch)
      return true
    } catch (error) {
      batchFailed(runner, batch, error)
      return false
    }
  }
  const processedByPiece = (runner: Runner<Batch, Prepared>, pieces: Iterable<Piece<Batch>>): boolean => {
    for (const piece of pieces) {
      try {
        runner.process(piece.batch)
      } catch (error) {
        pieceFailed(runner, piece, error)
        return false
      }
      if (runner.isSpent === true) return true
    }
    return true
  }

  return {
    process(runner, batch) {
      const { partition } = runner
      const search = searches.get(partition)
      const isSearched = search !== undefined && batch.nextOffset > search.from && batch.baseOffset < search.to
      const pieces = isSearched ? runner.pieces?.(batch) : undefined
      const isDone = pieces === undefined ? processed(runner, batch) : processedByPiece(runner, pieces)
      if (!isDone || search === undefined || runner.nextOffset < search.to) return
      searches.delete(partition)
      if (!search.isExplained && isSecond(partition, 'batch', search.from))
        pause(partition, undefined, search.from, 'a batch fails again, and none of its records by itself')
    },
    failed(partition, error) {
      if (isMendedByTakeover(error)) recover(partition, error)
      else pause(partition, error, undefined, 'no record of a key did it')
    },
    forget(partition) {
      searches.delete(partition)
      failures.delete(partition)
    },
  }
}
