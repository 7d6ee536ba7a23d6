import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Broker, StoredRecord } from '../../ports/broker.ts'
import { RedwickError } from '../../schemas/errors.ts'
import { type FaultProxy, type Passage, startFaultProxy } from '../../test/chaos/fault-proxy.ts'
import { watchKafka } from '../../test/chaos/wire-watches.ts'
import { freePort } from '../../test/services/free-port.ts'
import { startKafka } from '../../test/services/kafka.ts'
import { describeService } from '../../test/services/services.ts'
import { createRandom } from '../../topology/random.ts'
import { realClock } from '../contract/real-clock.ts'
import { newTopic, numbers, until } from '../contract/subject.ts'
import { createFastBroker } from './fast-broker.ts'

const sends = 36
const recordsOfSend = 3
const points = new Set(['produce', 'add-partitions', 'end-transaction', 'init-producer'])

const brokerAt = (address: string): Broker =>
  createFastBroker({ brokers: [address], clientId: randomUUID(), clock: realClock() })

/** Numbers in partitions 0 and 1, as they lie there. */
async function lying(broker: Broker, topic: string): Promise<readonly number[][]> {
  const ends = await broker.admin.offsets(topic)
  const found: number[][] = [[], []]
  const last = [-1, -1]
  const reader = await broker.read({
    ...{ topic, from: 'earliest' },
    onRecords(partition, records: readonly StoredRecord[]) {
      found[partition]?.push(...records.map(({ value }) => value?.readDoubleLE(0) ?? Number.NaN))
      last[partition] = records.at(-1)?.offset ?? -1
      return undefined
    },
    onError(error) {
      throw error
    },
  })
  // What ends a transaction lies after its records, and is not shown.
  await until(() => [0, 1].every((p) => (last[p] ?? -1) >= (ends.get(p)?.latest ?? 0) - 2), 'the whole topic')
  await reader.close()
  return found
}

/** Ends connections at these points, before the request, in it, or before its answer. */
function troubled(proxy: FaultProxy, seed: number) {
  const random = createRandom(seed)
  const state = { isCalm: false, faults: new Map<string, number>() }
  const ways: readonly ((passage: Passage, bytes: number) => void)[] = [
    (passage) => passage.loseAnswer(),
    (passage) => passage.loseAnswer(),
    (passage) => passage.cut(),
    (passage, bytes) => passage.cutAfter(Math.floor(random() * bytes)),
  ]
  proxy.onPoint = (point, passage, bytes) => {
    if (state.isCalm || !points.has(point) || random() > 0.4) return
    state.faults.set(point, (state.faults.get(point) ?? 0) + 1)
    ways[Math.floor(random() * ways.length)]?.(passage, bytes)
  }
  return state
}

interface Told {
  readonly sent: readonly number[]
  readonly failed: readonly number[]
}

/** Sends one after the other, whatever becomes of them. */
async function sendAll(send: (from: number) => Promise<unknown>): Promise<Told> {
  const told = { sent: [] as number[], failed: [] as number[] }
  for (let i = 0; i < sends; i++) {
    const from = i * recordsOfSend
    try {
      await send(from)
      told.sent.push(from)
    } catch (error) {
      expect(error).toBeInstanceOf(RedwickError)
      told.failed.push(from)
    }
  }
  return told
}

const recordsAt = (from: number): number[] => Array.from({ length: recordsOfSend }, (_, k) => from + k)

describeService('kafka', 'producers whose connections end in the middle', () => {
  it('have what they say in the log once, in order, and what failed at most once, and whole', async () => {
    const [port, listener] = [await freePort(), await freePort()]
    const proxy = await startFaultProxy(listener, watchKafka)
    const kafka = await startKafka({ port, proxied: [{ port: listener, advertised: proxy.port }] })
    const [direct, through] = [brokerAt(kafka.brokers), brokerAt(`127.0.0.1:${proxy.port}`)]
    try {
      const [plain, fenced] = [await newTopic(direct, 2), await newTopic(direct, 2)]
      const producer = await through.createProducer()
      const transactional = await through.createTransactionalProducer(randomUUID())
      const state = troubled(proxy, 7)
      const ofSend = (from: number) => [0, 1].flatMap((p) => numbers(from, from + recordsOfSend, p))
      const toldPlain = await sendAll((from) => producer.send(plain, ofSend(from)))
      const toldFenced = await sendAll((from) => transactional.send([{ topic: fenced, records: ofSend(from) }]))
      state.isCalm = true
      await producer.send(plain, ofSend(sends * recordsOfSend))
      await transactional.send([{ topic: fenced, records: ofSend(sends * recordsOfSend) }])
      for (const [topic, told] of [
        [plain, toldPlain],
        [fenced, toldFenced],
      ] as const) {
        const partitions = await lying(direct, topic)
        const sure = [...told.sent, sends * recordsOfSend].flatMap(recordsAt)
        const maybe = new Set(told.failed.flatMap(recordsAt))
        for (const found of partitions) {
          expect(found.filter((value) => !maybe.has(value))).toEqual(sure)
          expect(new Set(found).size).toBe(found.length)
        }
        for (const from of told.failed)
          expect(recordsAt(from).filter((value) => partitions[0]?.includes(value)).length % recordsOfSend).toBe(0)
        expect(told.sent.length).toBeGreaterThan(sends / 2)
      }
      // A transaction is whole in both partitions, or in neither.
      const [one, two] = await lying(direct, fenced)
      expect(one).toEqual(two)
      expect([...state.faults.keys()].sort()).toEqual([...points].sort())
    } finally {
      await Promise.all([direct.close(), through.close()])
      await kafka.stop()
      await proxy.close()
    }
  }, 120_000)
})
