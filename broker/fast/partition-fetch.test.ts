import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TransientError } from '../../schemas/errors.ts'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { createRandom } from '../../topology/random.ts'
import { realClock } from '../contract/real-clock.ts'
import { BatchWriter } from '../wire/batch-writer.ts'
import type { FetchedPartition, PartitionToFetch } from '../wire/fetch.ts'
import { FetchedCursor } from '../wire/fetched-cursor.ts'
import { batchField } from '../wire/record-batch.ts'
import { type FetchPort, startPartitionFetch } from './partition-fetch.ts'

const partitionCount = 3
const leaderCount = 2
const answerMs = 20_000

/** A clock on which no time passes while one waits. */
const clock = { ...realClock(), sleep: () => turn() }

interface Cluster extends FetchPort {
  /** Offset after the last record of each partition. */
  readonly ends: readonly number[]
  /** No trouble from now on. */
  calm(): void
}

/** Partitions of random batches on two brokers that lead now this one, now that. */
function cluster(seed: number, trouble: number): Cluster {
  const random = createRandom(seed)
  const upTo = (max: number): number => Math.floor(random() * (max + 1))
  const happens = (): boolean => random() < chance
  let chance = trouble
  const writer = new BatchWriter()
  const logs = Array.from({ length: partitionCount }, () => {
    const batches: { readonly base: number; readonly next: number; readonly bytes: Buffer }[] = []
    let offset = 0
    for (let i = 0; i < 20; i++) {
      const count = 1 + upTo(5)
      for (let k = 0; k < count; k++) writer.add({ key: null, value: Buffer.from(`${offset + k}`) })
      const bytes = writer.take(1_790_000_000_000)
      bytes.writeBigInt64BE(BigInt(offset), batchField.baseOffset)
      batches.push({ base: offset, next: offset + count, bytes })
      offset += count
    }
    return batches
  })
  const leaders = Array.from({ length: partitionCount }, () => upTo(leaderCount - 1))
  const late = async (): Promise<void> => {
    for (let i = upTo(3); i > 0; i--) await turn()
    if (happens()) throw new TransientError({ code: 'BROKER_UNREACHABLE', message: 'no' })
    if (happens()) leaders[upTo(partitionCount - 1)] = upTo(leaderCount - 1)
  }
  const partOf = (leader: number, { partition, offset }: PartitionToFetch): FetchedPartition => {
    const empty = { partitionIndex: partition, abortedTransactions: [] }
    const nothing = { ...empty, errorCode: 0, diverging: undefined, bytes: Buffer.alloc(0) }
    if (leaders[partition] !== leader) return { ...nothing, errorCode: 6 }
    if (happens()) return { ...nothing, errorCode: 9 }
    const rest = (logs[partition] ?? []).filter(({ next }) => next > offset)
    const whole = Buffer.concat(rest.slice(0, 1 + upTo(3)).map(({ bytes }) => bytes))
    return { ...nothing, bytes: happens() ? whole.subarray(0, upTo(whole.length)) : whole }
  }
  return {
    ends: logs.map((batches) => batches.at(-1)?.next ?? 0),
    calm() {
      chance = 0
    },
    async leaders() {
      await late()
      return new Map(leaders.map((leader, partition) => [partition, happens() ? -1 : leader]))
    },
    async fetch(leader, wanted) {
      await late()
      const parts = wanted.map((want) => partOf(leader, want))
      await late()
      return parts
    },
    ranges: async () => new Map(),
  }
}

/** Reads what is handed out, in small pieces, as long as it may; takes note of each record. */
function reading(port: FetchPort, starts: ReadonlyMap<number, number>) {
  const seen = new Map<number, number[]>([...starts.keys()].map((partition) => [partition, []]))
  const expected = new Map(starts)
  const wrong: string[] = []
  const failures: Error[] = []
  const paused = new Set<number>()
  let isInHand = false
  const reads = startPartitionFetch({
    ...{ port, topic: 'ticks', starts, clock, log: () => undefined },
    async fetched({ partition, offset, bytes, live, advance }) {
      if (isInHand) wrong.push('two at once')
      isInHand = true
      if (offset !== expected.get(partition)) wrong.push(`${partition} at ${offset}, not ${expected.get(partition)}`)
      const cursor = new FetchedCursor({ bytes, from: 0, to: bytes.length }, offset)
      while (live() && cursor.peek()) {
        if (paused.has(partition)) wrong.push(`${partition} is paused`)
        seen.get(partition)?.push(cursor.offset)
        cursor.next()
        advance(cursor.offset)
        expected.set(partition, cursor.offset)
        await turn()
      }
      isInHand = false
    },
    failed: (error) => failures.push(error),
  })
  return { seen, expected, wrong, failures, paused, reads }
}

async function until(holds: () => boolean): Promise<void> {
  const started = performance.now()
  while (!holds()) {
    if (performance.now() - started > answerMs) throw new Error('it does not come to its end')
    await turn()
  }
}

// Goal: whatever leaders, connections and the reader do, each partition's records come once, in order, without a gap.
// Method: random batches on brokers whose answers fail, are late, cut or of the wrong leader; pauses and seeks at random.
it('hands out each record once and in order, through everything', { timeout: propertyMsMax }, async () => {
  const acts = fc.array(
    fc.record({
      kind: fc.constantFrom('pause', 'resume', 'seek', 'wait', 'wait'),
      partition: fc.nat({ max: partitionCount - 1 }),
      turns: fc.nat({ max: 6 }),
      back: fc.nat({ max: 12 }),
    }),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(0, 0.05, 0.3), acts, async (seed, trouble, list) => {
      const port = cluster(seed, trouble)
      const { seen, expected, wrong, failures, paused, reads } = reading(port, new Map([0, 1, 2].map((at) => [at, at])))
      for (const { kind, partition, turns, back } of list) {
        for (let i = 0; i < turns; i++) await turn()
        if (kind === 'pause') {
          reads.pause([partition])
          paused.add(partition)
        } else if (kind === 'resume') {
          paused.delete(partition)
          reads.resume([partition])
        } else if (kind === 'seek') {
          const to = Math.max(0, (expected.get(partition) ?? 0) - back)
          reads.seek(partition, to)
          expected.set(partition, to)
          seen.set(partition, seen.get(partition)?.filter((offset) => offset < to) ?? [])
        }
      }
      port.calm()
      paused.clear()
      reads.resume([0, 1, 2])
      await until(() => port.ends.every((end, partition) => expected.get(partition) === end))
      await reads.stop()
      expect(wrong).toEqual([])
      expect(failures).toEqual([])
      for (const [partition, offsets] of seen) {
        const first = offsets[0] ?? 0
        expect(first).toBeLessThanOrEqual(partition)
        expect(offsets).toEqual(Array.from({ length: (port.ends[partition] ?? 0) - first }, (_, i) => first + i))
      }
    }),
    propertyRuns(150),
  )
})

it('asks for more where a batch is larger than what it asked for', async () => {
  const writer = new BatchWriter()
  writer.add({ key: null, value: randomBytes(3_000_000) })
  const batch = writer.take(1_790_000_000_000)
  const asked: number[] = []
  const port: FetchPort = {
    leaders: async () => new Map([[0, 0]]),
    async fetch(_, wanted) {
      await turn()
      return wanted.map(({ partition, offset, bytesMax }) => {
        asked.push(bytesMax)
        const bytes = offset === 0 ? batch.subarray(0, bytesMax) : Buffer.alloc(0)
        const part = { partitionIndex: partition, errorCode: 0, abortedTransactions: [], preferredReadReplica: -1 }
        return { ...part, bytes, diverging: undefined, records: null }
      })
    },
    ranges: async () => new Map(),
  }
  const { seen, failures, reads } = reading(port, new Map([[0, 0]]))
  await until(() => seen.get(0)?.length === 1)
  await reads.stop()
  expect(failures).toEqual([])
  expect(asked.slice(0, 3)).toEqual([1_048_576, 2 * 1_048_576, 4 * 1_048_576])
})

const nothing = { partitionIndex: 0, abortedTransactions: [] }
const cut = { epoch: 3, endOffset: 5n }

it.each([
  { why: 'what is before the log', errorCode: 1, diverging: undefined, code: 'OFFSET_OUT_OF_RANGE' },
  { why: 'a log that was cut', errorCode: 0, diverging: cut, code: 'LOG_TRUNCATED' },
  { why: 'a topic that it may not read', errorCode: 29, diverging: undefined, code: 'BROKER_REFUSED' },
])('ends with an error at $why', async ({ errorCode, diverging, code }) => {
  const port: FetchPort = {
    leaders: async () => new Map([[0, 0]]),
    fetch: async () => [{ ...nothing, errorCode, diverging, bytes: Buffer.alloc(0) }],
    ranges: async () => new Map([[0, { earliest: 20, latest: 30 }]]),
  }
  const { failures, reads } = reading(port, new Map([[0, 7]]))
  await until(() => failures.length > 0)
  await reads.stop()
  expect(failures).toMatchObject([{ code }])
})
