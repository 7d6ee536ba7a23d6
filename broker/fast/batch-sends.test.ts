import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TransientError } from '../../schemas/errors.ts'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { createRandom } from '../../topology/random.ts'
import { realClock } from '../contract/real-clock.ts'
import { textLike } from '../contract/subject.ts'
import { FetchedCursor } from '../wire/fetched-cursor.ts'
import { batchField } from '../wire/record-batch.ts'
import { createBatchSends } from './batch-sends.ts'
import type { ProducePort } from './produce-port.ts'

const partitionCount = 3
const leaderCount = 2
const identity = { producerId: 77n, epoch: 0 }
/** A clock on which no time passes while one waits. */
const clock = { ...realClock(), sleep: () => turn() }
const unreachable = () => new TransientError({ code: 'BROKER_UNREACHABLE', message: 'no' })

/** Partitions of one topic on two brokers that know a batch by its number, as Kafka does; in trouble now and then. */
function cluster(seed: number, chance: number) {
  const random = createRandom(seed)
  const upTo = (max: number): number => Math.floor(random() * (max + 1))
  const happens = (): boolean => random() < chance
  const logs = Array.from({ length: partitionCount }, () => ({ values: [] as string[], sequence: 0, lastBase: -1 }))
  const leaders = logs.map(() => upTo(leaderCount - 1))
  let said = [...leaders]
  const late = async (): Promise<void> => {
    for (let i = upTo(3); i > 0; i--) await turn()
    if (happens()) leaders[upTo(partitionCount - 1)] = upTo(leaderCount - 1)
    if (happens()) throw unreachable()
  }

  function append(partition: number, bytes: Buffer): { readonly errorCode: number; readonly baseOffset: number } {
    const log = logs[partition]
    if (log === undefined) return { errorCode: 3, baseOffset: -1 }
    const sequence = bytes.readInt32BE(batchField.baseSequence)
    const count = bytes.readInt32BE(batchField.recordCount)
    // The batch that is in the log already: it is told where.
    if (sequence + count === log.sequence) return { errorCode: 0, baseOffset: log.lastBase }
    if (sequence !== log.sequence) return { errorCode: 45, baseOffset: -1 }
    log.lastBase = log.values.length
    log.sequence += count
    const cursor = new FetchedCursor({ bytes, from: 0, to: bytes.length }, 0)
    for (; cursor.peek(); cursor.next()) {
      const { buffer, valueFrom, valueLength } = cursor
      log.values.push(buffer.toString('utf8', valueFrom, valueFrom + valueLength))
    }
    return { errorCode: 0, baseOffset: log.lastBase }
  }

  const port: ProducePort = {
    async leaders(_, isAnew) {
      await late()
      if (isAnew) said = leaders.map((leader) => (happens() ? -1 : leader))
      return new Map(said.entries())
    },
    async produce(leader, _, batches) {
      await late()
      const answers = batches.map(({ topic, partition, bytes }) => {
        const refused = leaders[partition] !== leader ? 6 : happens() ? 19 : undefined
        const answer = refused === undefined ? append(partition, bytes) : { errorCode: refused, baseOffset: -1 }
        return { topic, partition, ...answer }
      })
      await late()
      return answers
    },
    identify: async () => identity,
    close: async () => undefined,
  }
  return { port, logs, leaders }
}

it(
  'puts each record into its partition once and in order, whatever is lost on the way',
  async () => {
    const sends = fc.array(fc.array(fc.integer({ min: 0, max: partitionCount - 1 }), { maxLength: 30 }), {
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(
        sends,
        fc.integer(),
        fc.double({ min: 0, max: 0.12, noNaN: true }),
        async (calls, seed, chance) => {
          const { port, logs } = cluster(seed, chance)
          const batches = createBatchSends({ port, clock, transactionalId: null, isClosed: () => false })
          const wanted: string[][] = logs.map(() => [])
          for (const [call, partitions] of calls.entries()) {
            const records = partitions.map((partition, i) => ({
              partition,
              key: null,
              value: Buffer.from(`${call}.${i}`),
            }))
            // What failed may be there or not, and its numbers with it: nothing more is sent with this identity.
            try {
              const lanes = await batches.lanesOf([{ topic: 't', records }])
              const before = wanted.map(({ length }) => length)
              await batches.send(identity, lanes)
              for (const { partition, baseOffset } of lanes) expect(baseOffset).toBe(before[partition])
            } catch (error) {
              expect(error).toMatchObject({ code: textLike(/^BROKER_/) })
              for (const [partition, { values }] of logs.entries()) {
                const all = [
                  ...(wanted[partition] ?? []),
                  ...records.filter((r) => r.partition === partition).map(({ value }) => value.toString()),
                ]
                expect(values).toEqual(all.slice(0, values.length))
              }
              return
            }
            for (const { partition, value } of records) wanted[partition]?.push(value.toString())
            expect(logs.map(({ values }) => values)).toEqual(wanted)
          }
        },
      ),
      propertyRuns(400),
    )
  },
  propertyMsMax,
)

it('finds the leader where it is now', async () => {
  const { port, logs, leaders } = cluster(3, 0)
  const batches = createBatchSends({ port, clock, transactionalId: null, isClosed: () => false })
  const lanes = await batches.lanesOf([{ topic: 't', records: [{ partition: 0, key: null, value: Buffer.from('a') }] }])
  leaders[0] = 1 - (leaders[0] ?? 0)
  await batches.send(identity, lanes)
  expect(logs[0]?.values).toEqual(['a'])
})

it('refuses a partition that is not there before anything is sent', async () => {
  const { port, logs } = cluster(1, 0)
  const batches = createBatchSends({ port, clock, transactionalId: null, isClosed: () => false })
  const records = [0, 3].map((partition) => ({ partition, key: null, value: Buffer.from('a') }))
  await expect(batches.lanesOf([{ topic: 't', records }])).rejects.toMatchObject({ code: 'UNKNOWN_PARTITION' })
  expect(logs.flatMap(({ values }) => values)).toEqual([])
})

it('cuts what is more than one batch holds', async () => {
  const { port, logs } = cluster(2, 0)
  let requests = 0
  const counting: ProducePort = {
    ...port,
    produce(...request) {
      requests += 1
      return port.produce(...request)
    },
  }
  const batches = createBatchSends({ port: counting, clock, transactionalId: null, isClosed: () => false })
  const records = Array.from({ length: 30 }, (_, i) => ({
    partition: 1,
    key: null,
    value: Buffer.alloc(100_000, `${i % 10}`),
  }))
  await batches.send(identity, await batches.lanesOf([{ topic: 't', records }]))
  expect(logs[1]?.values.map((value) => value[0])).toEqual(records.map((_, i) => `${i % 10}`))
  expect(requests).toBe(5)
})
