import { afterAll, beforeAll } from 'vitest'
import type { CandleStore, PartitionCheckpoint } from '../../ports/candle-store.ts'
import type { Candle } from '../../schemas/candle.ts'
import { sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'

export interface StoreUnderTest {
  readonly store: CandleStore
  /** Closes and removes it. */
  dispose(): Promise<void>
}

/** One store that the cases of a suite share. */
export interface StoreRig {
  /** There once the suite has begun. */
  readonly store: CandleStore
  /** Takes partitions over. @returns What was found of each. */
  own(
    topology: string,
    partitions?: readonly number[],
    nowMs?: number,
  ): Promise<(partition: number) => PartitionCheckpoint>
  /** Commits candles under a topology of their own. */
  put(candles: readonly Candle[]): Promise<void>
}

let names = 0
/** Tests share one store; each has a topology and symbols of its own, ascending as they are made. */
export const fresh = (what: string): string => `${what}-${process.pid}-${String(++names).padStart(6, '0')}`
export const bytes = (...values: number[]): Uint8Array => new Uint8Array(values)
export const everything = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, limit: 10_000 }

/** Makes the store before the suite that this is called in, and removes it after it. */
export function useStore(make: () => Promise<StoreUnderTest>): StoreRig {
  let under: StoreUnderTest | undefined
  beforeAll(async () => {
    under = await make()
  })
  afterAll(() => under?.dispose())
  const storeOf = (): CandleStore => {
    if (under === undefined) throw new Error('the store is made before the first test')
    return under.store
  }
  const own: StoreRig['own'] = async (topology, partitions = [0], nowMs = 1000) => {
    const checkpoints = await storeOf().takeover(topology, sampleTopic, partitions, nowMs)
    return (partition) => {
      const found = checkpoints.find((checkpoint) => checkpoint.partition === partition)
      if (found === undefined) throw new Error(`partition ${partition} was not taken over`)
      return found
    }
  }
  return {
    get store() {
      return storeOf()
    },
    own,
    async put(candles) {
      const topology = fresh('put')
      const { epoch } = (await own(topology))(0)
      await storeOf().commit(sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1 }, candles)))
    },
  }
}

/** What a new owner finds of a partition, where nothing else is said: nothing. */
export function checkpoint(partition: number, changes: Partial<PartitionCheckpoint>): PartitionCheckpoint {
  return {
    partition,
    epoch: 0,
    nextOffset: 0,
    commitNo: 0,
    lastSeq: 0,
    states: [],
    outbox: [],
    quarantines: [],
    ...changes,
  }
}

/** A refused record. */
export function letter(changes: {
  topic: string
  offset?: number
  source?: string
  symbol?: string
  detail?: string
  schemaId?: number | null
  payload?: Uint8Array
}) {
  return {
    ...{ partition: 0, offset: 0, reason: 'MALFORMED' as const, detail: 'bad', symbol: '', schemaId: 3, source: '' },
    payload: bytes(1, 2, 3),
    ...changes,
  }
}
