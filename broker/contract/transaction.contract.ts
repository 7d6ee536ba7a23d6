import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FencedError } from '../../schemas/errors.ts'
import { collect } from './collector.ts'
import { newTopic, numbers, range, type SubjectOf, until } from './subject.ts'

/** Transactions over several partitions and topics. */
export function transactionContract(subject: SubjectOf): void {
  describe('transactions', () => {
    it('shows a committed transaction whole, and offsets go on after it', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const other = await newTopic(broker)
      const producer = await broker.createTransactionalProducer(`tx-${randomUUID()}`)
      const reader = await collect(broker, { topic })
      const otherReader = await collect(broker, { topic: other })
      await producer.send([
        { topic, records: [...numbers(0, 2, 0), ...numbers(10, 12, 1)] },
        { topic: other, records: numbers(20, 22) },
      ])
      await until(() => reader.values.length + otherReader.values.length >= 6, 'the first transaction')
      await producer.send([{ topic, records: numbers(2, 4, 0) }])
      await until(() => reader.values.length >= 6, 'the second transaction')
      const inPartition = reader.batches.filter(({ partition }) => partition === 0)
      expect(inPartition.flatMap((batch) => batch.values)).toEqual(range(0, 4))
      expect(otherReader.values).toEqual([20, 21])
      for (const [i, batch] of inPartition.entries())
        expect(batch.baseOffset).toBe(i === 0 ? 0 : inPartition[i - 1]?.nextOffset)
      await Promise.all([reader.subscription.close(), otherReader.subscription.close(), producer.close()])
    })

    it('tells its readers when they have come to the end, past what ends a transaction', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createTransactionalProducer(`tx-${randomUUID()}`)
      const reader = await collect(broker, { topic })
      for (let i = 0; i < 3; i++) {
        await producer.send([{ topic, records: numbers(i, i + 1) }])
        // What ends a transaction may be written after its answer.
        const end = (await broker.admin.offsets(topic)).get(0)?.latest ?? 0
        await until(() => (reader.batches.at(-1)?.nextOffset ?? 0) >= end, `offset ${end}`)
      }
      const isAtEnd = async (): Promise<boolean> =>
        reader.batches.at(-1)?.nextOffset === (await broker.admin.offsets(topic)).get(0)?.latest
      for (let i = 0; i < 100 && !(await isAtEnd()); i++) await sleep(50)
      expect(await isAtEnd()).toBe(true)
      expect(reader.values).toEqual(range(0, 3))
      expect(reader.batches.map(({ baseOffset }) => baseOffset)).toEqual([
        ...[0, ...reader.batches.slice(0, -1).map(({ nextOffset }) => nextOffset)],
      ])
      expect(reader.errors).toEqual([])
      await Promise.all([reader.subscription.close(), producer.close()])
    })

    it('starts anywhere between transactions, and each batch goes on where the last one ended', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createTransactionalProducer(`tx-${randomUUID()}`)
      for (let i = 0; i < 3; i++) await producer.send([{ topic, records: numbers(2 * i, 2 * i + 2) }])
      const { latest } = (await broker.admin.offsets(topic)).get(0) ?? { latest: 0 }
      expect(latest).toBeGreaterThanOrEqual(6)
      for (const start of range(0, latest)) {
        const reader = await collect(broker, { topic, starts: new Map([[0, start]]) })
        await until(() => (reader.batches.at(-1)?.nextOffset ?? 0) >= latest, `the end, from ${start}`)
        const ends = reader.batches.map(({ nextOffset }) => nextOffset)
        expect(reader.batches.map(({ baseOffset }) => baseOffset)).toEqual([start, ...ends.slice(0, -1)])
        await reader.subscription.close()
      }
      await producer.close()
    })

    it('takes more than one request holds, plain and in a transaction, in order', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const large = (partition: number) =>
        Array.from({ length: 40 }, (_, i) => ({ partition, key: `${i}`, value: new Uint8Array(100_000).fill(i) }))
      const producer = await broker.createProducer()
      const transactional = await broker.createTransactionalProducer(`tx-${randomUUID()}`)
      expect(await producer.send(topic, large(0))).toEqual([{ partition: 0, baseOffset: 0 }])
      await transactional.send([{ topic, records: large(1) }])
      const keys = new Map<number, (string | undefined)[]>([
        [0, []],
        [1, []],
      ])
      const reader = await broker.read({
        topic,
        from: 'earliest',
        onRecords(partition, records) {
          keys.get(partition)?.push(...records.map(({ key }) => key?.toString()))
          return undefined
        },
        onError(error) {
          throw error
        },
      })
      await until(() => [...keys.values()].every((list) => list.length >= 40), 'all large records')
      const inOrder = Array.from({ length: 40 }, (_, i) => `${i}`)
      expect([...keys.values()]).toEqual([inOrder, inOrder])
      await Promise.all([reader.close(), producer.close(), transactional.close()])
    })

    it('fences the earlier producer with the same id, and shows nothing of it', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const transactionalId = `tx-${randomUUID()}`
      const zombie = await broker.createTransactionalProducer(transactionalId)
      await zombie.send([{ topic, records: numbers(0, 1) }])
      const owner = await broker.createTransactionalProducer(transactionalId)
      await expect(zombie.send([{ topic, records: numbers(100, 101) }])).rejects.toBeInstanceOf(FencedError)
      await expect(zombie.send([{ topic, records: numbers(100, 101) }])).rejects.toBeInstanceOf(FencedError)
      await owner.send([{ topic, records: numbers(1, 2) }])
      const reader = await collect(broker, { topic })
      await until(() => reader.values.includes(1), "the owner's record")
      expect(reader.values).toEqual([0, 1])
      await Promise.all([reader.subscription.close(), owner.close(), zombie.close()])
    })

    it('leaves another id alone', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const one = await broker.createTransactionalProducer(`tx-${randomUUID()}`)
      const two = await broker.createTransactionalProducer(`tx-${randomUUID()}`)
      await one.send([{ topic, records: numbers(0, 1) }])
      await two.send([{ topic, records: numbers(1, 2) }])
      await one.send([{ topic, records: numbers(2, 3) }])
      const reader = await collect(broker, { topic })
      await until(() => reader.values.length >= 3, 'three records')
      expect(reader.values).toEqual([0, 1, 2])
      await Promise.all([reader.subscription.close(), one.close(), two.close()])
    })
  })
}
