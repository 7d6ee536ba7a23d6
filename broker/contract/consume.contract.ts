import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Subscription } from '../../ports/broker.ts'
import { batchRowsMax } from '../../schemas/columns.ts'
import { TransientError } from '../../schemas/errors.ts'
import { collect } from './collector.ts'
import { createNumberDecoder, numberValue } from './number-decoder.ts'
import { newTopic, numbers, range, type SubjectOf, until } from './subject.ts'

/** Consuming one partition. */
export function consumeContract(subject: SubjectOf): void {
  describe('consuming', () => {
    it('keeps the order of one partition, within sends and between them', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      expect(await producer.send(topic, numbers(0, 3))).toEqual([{ partition: 0, baseOffset: 0 }])
      expect(await producer.send(topic, numbers(3, 5))).toEqual([{ partition: 0, baseOffset: 3 }])
      const reader = await collect(broker, { topic })
      await until(() => reader.values.length >= 5, 'five records')
      await producer.send(topic, numbers(5, 6))
      await until(() => reader.values.length >= 6, 'the sixth')
      expect(reader.values).toEqual(range(0, 6))
      expect(reader.batches.flatMap((batch) => batch.offsets)).toEqual(range(0, 6))
      await reader.subscription.close()
      await producer.close()
    })

    it.each([0, 1, 4, 9, 10])('starts at offset %i of one send of ten', async (start) => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 10))
      const reader = await collect(broker, { topic, starts: new Map([[0, start]]) })
      await until(() => reader.owned.size === 1, 'the partition')
      await producer.send(topic, numbers(10, 11))
      await until(() => reader.values.includes(10), 'the last record')
      expect(reader.values).toEqual(range(start, 11))
      expect(reader.batches[0]?.baseOffset).toBe(start)
      await reader.subscription.close()
      await producer.close()
    })

    it('hands out columns only: one object, reused, and nothing per record', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      for (let i = 0; i < 3; i++) await producer.send(topic, numbers(i * 5000, (i + 1) * 5000))
      const reader = await collect(broker, { topic })
      await until(() => reader.values.length >= 15_000, '15,000 records')
      expect(reader.values).toEqual(range(0, 15_000))
      expect(reader.columns.size).toBe(1)
      for (const { values, controls, refused, baseOffset, nextOffset } of reader.batches) {
        expect(values.length).toBeLessThanOrEqual(batchRowsMax)
        expect([controls, refused]).toEqual([[], []])
        expect(nextOffset - baseOffset).toBe(values.length)
      }
      await reader.subscription.close()
      await producer.close()
    })

    it('tells control records by their header, and null values, in their places', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      const control = { partition: 0, key: null, value: numberValue(7), headers: { trace: 'x', redwick: 'heartbeat' } }
      const plain = { ...control, key: 'k', headers: { trace: 'x' } }
      await producer.send(topic, [plain, control, { partition: 0, key: Buffer.from('k'), value: null }, plain])
      const reader = await collect(broker, { topic })
      await until(() => reader.batches.at(-1)?.nextOffset === 4, 'four records')
      expect(reader.values).toEqual([7, 7])
      const controls = reader.batches.flatMap((batch) => batch.controls)
      expect(controls).toMatchObject([{ row: 1, offset: 1, record: { line: 'heartbeat' } }])
      expect(reader.batches.flatMap((batch) => batch.refused)).toMatchObject([{ offset: 2, reason: 'NO_VALUE' }])
      await reader.subscription.close()
      await producer.close()
    })

    it('stamps records with an append time that never goes back', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 1, { 'message.timestamp.type': 'LogAppendTime' })
      const producer = await broker.createProducer()
      const before = Date.now()
      for (let i = 0; i < 5; i++) await producer.send(topic, numbers(i, i + 1))
      const reader = await collect(broker, { topic })
      await until(() => reader.values.length >= 5, 'five records')
      const times = reader.batches.flatMap((batch) => batch.appendTimes)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(Math.min(...times)).toBeGreaterThanOrEqual(before - 5)
      expect(Math.max(...times)).toBeLessThanOrEqual(Date.now() + 5)
      await reader.subscription.close()
      await producer.close()
    })

    it('starts no batch of a paused partition, and goes on where it was', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const producer = await broker.createProducer()
      const reader = await collect(broker, { topic })
      await producer.send(topic, [...numbers(0, 5000, 0), ...numbers(0, 1, 1)])
      await until(() => reader.values.length >= 5001, 'the first records')
      reader.subscription.pause([0])
      const paused = reader.batches.length
      await producer.send(topic, [...numbers(5000, 5010, 0), ...numbers(90_000, 90_001, 1)])
      await until(() => reader.values.includes(90_000), 'the other partition')
      await sleep(300)
      expect(reader.batches.slice(paused).map((batch) => batch.partition)).not.toContain(0)
      reader.subscription.resume([0])
      await until(() => reader.values.includes(5009), 'the rest')
      const offsets = reader.batches.filter(({ partition }) => partition === 0).flatMap((batch) => batch.offsets)
      expect(offsets).toEqual(range(0, 5010))
      await reader.subscription.close()
      await producer.close()
    })

    it('pauses between two batches of one fetch, from inside the first', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      let pause: (() => void) | undefined
      const reader = await collect(broker, { topic, on: { batch: async () => pause?.() } })
      pause = () => reader.subscription.pause([0])
      await until(() => reader.owned.size === 1, 'the partition')
      await producer.send(topic, numbers(0, 10_000))
      await until(() => reader.batches.length === 1, 'the first batch')
      await sleep(300)
      expect(reader.batches.length).toBe(1)
      pause = undefined
      reader.subscription.resume([0])
      await until(() => reader.values.length >= 10_000, 'all')
      expect(reader.values).toEqual(range(0, 10_000))
      await reader.subscription.close()
      await producer.close()
    })

    it.each([
      { name: 'ahead', to: 9_500 },
      { name: 'back', to: 10 },
    ])('drops what was fetched when it seeks $name', async ({ to }) => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 10_000))
      let subscribed: (subscription: Subscription) => void = () => undefined
      const subscription = new Promise<Subscription>((resolve) => {
        subscribed = resolve
      })
      let isFirst = true
      const on = {
        async batch() {
          const { seek } = await subscription
          if (isFirst) seek(0, to)
          isFirst = false
        },
      }
      const reader = await collect(broker, { topic, on })
      subscribed(reader.subscription)
      await until(() => reader.batches.at(-1)?.nextOffset === 10_000, 'the end')
      expect(reader.batches[1]?.baseOffset).toBe(to)
      expect(reader.batches.slice(1).flatMap((batch) => batch.offsets)).toEqual(range(to, 10_000))
      await reader.subscription.close()
      await producer.close()
    })

    it('waits for a schema, through trouble of the registry, and loses nothing', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(
        topic,
        [1, 2, -3, 4].map((value) => ({ partition: 0, key: null, value: numberValue(value) })),
      )
      let calls = 0
      const resolve = async () => {
        calls += 1
        if (calls < 3) throw new TransientError({ code: 'REGISTRY_UNREACHABLE', message: 'down' })
      }
      const reader = await collect(broker, { topic, decoder: createNumberDecoder({ resolve }) })
      await until(() => reader.values.length >= 4, 'four records')
      expect(reader.values).toEqual([1, 2, -3, 4])
      expect(calls).toBe(3)
      expect(reader.errors).toEqual([])
      await reader.subscription.close()
      await producer.close()
    })

    it('ends the subscription with the error of its handler', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 1))
      const on = { batch: () => Promise.reject(new Error('cannot')) }
      const reader = await collect(broker, { topic, on })
      await until(() => reader.errors.length > 0, 'the failure')
      expect(reader.errors).toMatchObject([{ message: 'cannot' }])
      await reader.subscription.close()
      await producer.close()
    })
  })
}
