import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Broker, Reader, ReadFrom, StoredRecord } from '../../ports/broker.ts'
import { newTopic, numbers, range, type SubjectOf, textLike, until } from './subject.ts'

/** Reading without a group. */
export function readContract(subject: SubjectOf): void {
  describe('reading without a group', () => {
    it('gives records as they were sent, and goes on with new ones', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      const value = Buffer.from('value')
      await producer.send(topic, [
        { partition: 0, key: 'ключ', value, headers: { one: '1', два: '2' } },
        { partition: 0, key: null, value: null },
        { partition: 0, key: Buffer.from([0, 255]), value: Buffer.alloc(0) },
      ])
      const { records, reader } = await readAll(broker, topic, 'earliest')
      await until(() => records.length >= 3, 'three records')
      expect(records.map(({ appendTime: _, ...record }) => record)).toEqual([
        { partition: 0, offset: 0, key: Buffer.from('ключ'), value, headers: { one: '1', два: '2' } },
        { partition: 0, offset: 1, key: null, value: null, headers: {} },
        { partition: 0, offset: 2, key: Buffer.from([0, 255]), value: Buffer.alloc(0), headers: {} },
      ])
      await producer.send(topic, numbers(0, 1))
      await until(() => records.length >= 4, 'a new record')
      await reader.close()
      await producer.send(topic, numbers(1, 2))
      await sleep(100)
      expect(records.length).toBe(4)
      await producer.close()
    })

    it('starts everywhere at the latest', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const producer = await broker.createProducer()
      await producer.send(topic, [...numbers(0, 5, 0), ...numbers(0, 2, 1)])
      const { records, reader } = await readAll(broker, topic, 'latest')
      expect(reader.startOffsets).toEqual(new Map([5, 2].map((offset, partition) => [partition, offset])))
      await producer.send(topic, [...numbers(5, 6, 0), ...numbers(2, 3, 1)])
      await until(() => records.length >= 2, 'two records')
      expect(records.map(({ offset }) => offset).sort()).toEqual([2, 5])
      await reader.close()
      await producer.close()
    })

    it('starts at the first record of a time, or at the end where none is so late', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2, { 'message.timestamp.type': 'LogAppendTime' })
      const producer = await broker.createProducer()
      await producer.send(topic, [...numbers(0, 3, 0), ...numbers(0, 3, 1)])
      await sleep(20)
      const timestampMs = Date.now()
      await sleep(20)
      await producer.send(topic, numbers(3, 5, 0))
      const { records, reader } = await readAll(broker, topic, { timestampMs })
      expect(reader.startOffsets).toEqual(new Map([0, 1].map((partition) => [partition, 3])))
      await until(() => records.length >= 2, 'two records')
      expect(records.map(({ partition, offset }) => [partition, offset])).toEqual([3, 4].map((offset) => [0, offset]))
      await reader.close()
      await producer.close()
    })

    it('reads the partitions of a map only, each from its offset', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 3)
      const producer = await broker.createProducer()
      await producer.send(
        topic,
        [0, 1, 2].flatMap((partition) => numbers(0, 10, partition)),
      )
      const from = new Map([0, 2].map((partition) => [partition, 5 + partition]))
      const { records, reader } = await readAll(broker, topic, from)
      await until(() => records.length >= 8, 'eight records')
      const offsetsOf = (wanted: number) => records.flatMap((r) => (r.partition === wanted ? [r.offset] : []))
      expect([offsetsOf(0), offsetsOf(1), offsetsOf(2)]).toEqual([range(5, 10), [], range(7, 10)])
      await reader.close()
      await producer.close()
    })

    it('refuses an offset that is not there, naming what is', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const reading = readAll(broker, topic, new Map([[0, 3]]))
      await expect(reading).rejects.toMatchObject({
        ...{ code: 'OFFSET_OUT_OF_RANGE', message: textLike(/offset 3.*0 to 0/) },
      })
    })

    it('refuses a topic that is not there', async () => {
      const { broker } = subject()
      await expect(readAll(broker, `missing-${randomUUID()}`, 'earliest')).rejects.toMatchObject({
        code: 'UNKNOWN_TOPIC',
      })
    })

    it('waits for each call before the next of a partition', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      let inside = 0
      let insideMax = 0
      const offsets: number[] = []
      const reader = await broker.read({
        ...{ topic, from: 'earliest' },
        async onRecords(_partition, records) {
          inside += 1
          insideMax = Math.max(insideMax, inside)
          await sleep(5)
          inside -= 1
          for (const { offset } of records) offsets.push(offset)
        },
        onError: () => undefined,
      })
      for (let i = 0; i < 10; i++) await producer.send(topic, numbers(i * 300, (i + 1) * 300))
      await until(() => offsets.length >= 3000, 'three thousand')
      expect(offsets).toEqual(range(0, 3000))
      expect(insideMax).toBe(1)
      await reader.close()
      await producer.close()
    })
  })
}

async function readAll(
  broker: Broker,
  topic: string,
  from: ReadFrom,
): Promise<{ records: StoredRecord[]; reader: Reader }> {
  const records: StoredRecord[] = []
  const reader = await broker.read({
    ...{ topic, from },
    async onRecords(_partition, more) {
      records.push(...more)
    },
    onError(error) {
      throw error
    },
  })
  return { records, reader }
}
