import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { describeService } from '../test/services/services.ts'
import { collect } from './contract/collector.ts'
import { kafkaClients } from './contract/kafka-clients.ts'
import { numberValue } from './contract/number-decoder.ts'
import { realClock } from './contract/real-clock.ts'
import { newTopic, numbers, range, textLike, until } from './contract/subject.ts'
import { registerCodecs } from './kafkajs/codecs.ts'

describe('a broker that is not there', () => {
  it.each(kafkaClients)('is named by $client, within seconds', async ({ createBroker }) => {
    const messages: string[] = []
    const logger = (_level: string, message: string) => messages.push(message)
    const broker = createBroker({ brokers: ['127.0.0.1:1'], clientId: 'test', clock: realClock(), logger })
    const trouble = { code: 'BROKER_UNREACHABLE', message: textLike('127.0.0.1:1') }
    await Promise.all([
      expect(broker.ping()).rejects.toMatchObject(trouble),
      expect(broker.createProducer()).rejects.toMatchObject(trouble),
      expect(broker.createTransactionalProducer('t')).rejects.toMatchObject(trouble),
      expect(collect(broker, { topic: 't' })).rejects.toMatchObject(trouble),
    ])
    expect(messages.length).toBeGreaterThan(0)
    await broker.close()
    await expect(broker.ping()).rejects.toMatchObject({ code: 'BROKER_CLOSED' })
  })
})

describeService('kafka', 'a client in detail', ({ brokers }) => {
  describe.each(kafkaClients)('$client', ({ createBroker }) => {
    const create = () => createBroker({ brokers: [brokers], clientId: `t-${randomUUID()}`, clock: realClock() })
    const client = () => new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })

    it.each([
      { name: 'gzip', compression: CompressionTypes.GZIP },
      { name: 'lz4', compression: CompressionTypes.LZ4 },
      { name: 'zstd', compression: CompressionTypes.ZSTD },
      { name: 'snappy', compression: CompressionTypes.Snappy },
    ])('reads what another producer compressed with $name', async ({ compression }) => {
      registerCodecs()
      const broker = create()
      const topic = await newTopic(broker)
      const producer = client().producer()
      await producer.connect()
      const messages = range(0, 3_000).map((value) => ({ key: 'k', value: numberValue(value, 60) }))
      await producer.send({ topic, compression, messages })
      await producer.disconnect()
      const reader = await collect(broker, { topic, starts: new Map([[0, 1_234]]) })
      await until(() => reader.values.length >= 3_000 - 1_234, 'the records')
      expect(reader.values).toEqual(range(1_234, 3_000))
      await reader.subscription.close()
      await broker.close()
    })

    it('does not show an aborted transaction, and reads on past it', async () => {
      const broker = create()
      const topic = await newTopic(broker)
      const producer = client().producer({
        transactionalId: `tx-${randomUUID()}`,
        maxInFlightRequests: 1,
        idempotent: true,
      })
      await producer.connect()
      const reader = await collect(broker, { topic })
      for (let i = 0; i < 6; i++) {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ value: numberValue(i) }] })
        if (i % 2 === 0) await transaction.abort()
        else await transaction.commit()
      }
      await until(() => reader.values.length >= 3, 'three committed records')
      expect(reader.values).toEqual([1, 3, 5])
      expect(reader.errors).toEqual([])
      await reader.subscription.close()
      await producer.disconnect()
      await broker.close()
    })

    it('knows a topic that two clients make at once, from either of them on', async () => {
      const brokers = [create(), create()] as const
      for (let n = 0; n < 20; n++) {
        const topic = `twice-${randomUUID()}`
        const made = async ({ admin }: (typeof brokers)[number]) => {
          await admin.createTopic({ topic, partitions: 3 })
          return (await admin.describeTopic(topic))?.partitions
        }
        expect(await Promise.all(brokers.map(made))).toEqual([3, 3])
      }
      for (const broker of brokers) await broker.close()
    })

    it('leaves a group whose rebalance waits for another member', async () => {
      const brokers = [create(), create(), create()] as const
      const topic = await newTopic(brokers[0], 3)
      const groupId = `group-${randomUUID()}`
      let free = (): void => undefined
      const held = new Promise<void>((resolve) => {
        free = resolve
      })
      const quick = await collect(brokers[0], { topic, groupId })
      const slow = await collect(brokers[1], { topic, groupId, on: { revoked: () => held } })
      await until(() => quick.owned.size > 0 && slow.owned.size > 0, 'both to own partitions')
      const third = collect(brokers[2], { topic, groupId })
      await until(() => quick.owned.size === 0 && slow.owned.size === 0, 'both to give up')
      // The client would wait for what the slow one does not do; a stop has ten seconds in all.
      const isLate = new AbortController()
      const late = sleep(6_000, 'late', { signal: isLate.signal }).catch(() => 'cancelled')
      expect(await Promise.race([quick.subscription.close(), late])).toBeUndefined()
      isLate.abort()
      free()
      await slow.subscription.close()
      await (await third).subscription.close()
      for (const broker of brokers) await broker.close()
      expect([quick.errors, slow.errors]).toEqual([[], []])
    })

    it('keeps a member alive through a batch longer than its session', async () => {
      const broker = create()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 3))
      let slow = true
      const on = { batch: () => sleep(slow ? 7_000 : 0) }
      const reader = await collect(broker, { topic, on, sessionTimeoutMs: 6_000 })
      await until(() => reader.batches.length > 0, 'the batch')
      await sleep(7_200)
      slow = false
      await producer.send(topic, numbers(3, 4))
      await until(() => reader.values.includes(3), 'the next record')
      expect(reader.values).toEqual([0, 1, 2, 3])
      expect(reader.events).toEqual(['assigned 0'])
      await reader.subscription.close()
      await broker.close()
    })

    it('keeps a member alive that gives up later than its session would last', async () => {
      const brokers = [create(), create()] as const
      const topic = await newTopic(brokers[0], 2)
      const producer = await brokers[0].createProducer()
      const groupId = `group-${randomUUID()}`
      const steps: string[] = []
      const on = {
        async batch() {
          steps.push('a batch begins')
          await sleep(9_000)
          steps.push('a batch ends')
        },
      }
      const slow = await collect(brokers[0], { topic, groupId, on })
      await until(() => slow.owned.size === 2, 'both partitions')
      await sleep(1_500) // a heartbeat of the client's own
      await producer.send(topic, numbers(0, 1))
      await until(() => steps.length > 0, 'a batch in hand')
      const assigned = async (partitions: readonly number[]) => {
        steps.push('the newcomer is assigned')
        return new Map(partitions.map((partition) => [partition, 1 - partition]))
      }
      const newcomer = await collect(brokers[1], { topic, groupId, on: { assigned } })
      await until(() => newcomer.owned.size === 1, 'a partition for the newcomer')
      expect(steps.slice(0, 3)).toEqual(['a batch begins', 'a batch ends', 'the newcomer is assigned'])
      expect([...slow.errors, ...newcomer.errors]).toEqual([])
      await newcomer.subscription.close()
      await slow.subscription.close()
      for (const broker of brokers) await broker.close()
    }, 60_000)

    it('fails, and does not jump, when retention overtakes a paused reader', async () => {
      const broker = create()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 5))
      const reader = await collect(broker, { topic })
      await until(() => reader.values.length >= 5, 'five records')
      reader.subscription.pause([0])
      await producer.send(topic, numbers(5, 20))
      const admin = client().admin()
      await admin.connect()
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '15' }] })
      await admin.disconnect()
      reader.subscription.resume([0])
      await until(() => reader.errors.length > 0, 'the failure')
      expect(reader.errors).toMatchObject([{ code: 'OFFSET_OUT_OF_RANGE', message: textLike('15 to 20') }])
      expect(reader.values).toEqual(range(0, 5))
      await reader.subscription.close()
      await broker.close()
    })
  })
})
