import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newTopic, numbers, type SubjectOf } from './subject.ts'

/** Topics, offsets, and what is refused. */
export function adminContract(subject: SubjectOf): void {
  describe('administration', () => {
    it('creates a topic once, with its settings, and describes it', async () => {
      const { admin } = subject().broker
      const topic = `contract-${randomUUID()}`
      const config = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' }
      expect(await admin.describeTopic(topic)).toBeUndefined()
      await admin.createTopic({ topic, partitions: 3, config })
      await admin.createTopic({ topic, partitions: 5 })
      expect(await admin.describeTopic(topic)).toMatchObject({ topic, partitions: 3, config })
      expect(await admin.listTopics()).toContain(topic)
    })

    it('forgets a deleted topic; one made anew under its name is another', async () => {
      const { broker } = subject()
      const { admin } = broker
      const topic = await newTopic(broker, 2)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 3))
      const before = await admin.describeTopic(topic)
      await admin.deleteTopic(topic)
      expect(await admin.listTopics()).not.toContain(topic)
      expect(await admin.describeTopic(topic)).toBeUndefined()
      await admin.createTopic({ topic, partitions: 2 })
      const after = await admin.describeTopic(topic)
      expect((await admin.offsets(topic)).get(0)).toEqual({ earliest: 0, latest: 0 })
      if (before?.topicId !== null) expect(after?.topicId).not.toBe(before?.topicId)
      await producer.close()
    })

    it('gives a topic more partitions; what it had stays where it was', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 3, 1))
      const before = await broker.admin.describeTopic(topic)
      await broker.admin.growTopic(topic, 4)
      expect(await broker.admin.describeTopic(topic)).toEqual({ ...before, partitions: 4 })
      await broker.admin.growTopic(topic, 4)
      await broker.admin.growTopic(topic, 3)
      await producer.send(topic, [...numbers(0, 2, 3), ...numbers(3, 4, 1)])
      const ranges = await broker.admin.offsets(topic)
      expect([...ranges].sort(([a], [b]) => a - b).map(([, { latest }]) => latest)).toEqual([0, 4, 0, 2])
      await expect(broker.admin.growTopic(`missing-${randomUUID()}`, 4)).rejects.toMatchObject({
        code: 'UNKNOWN_TOPIC',
      })
      await producer.close()
    })

    it('tells the first and the next offset of every partition', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 3)
      const producer = await broker.createProducer()
      await producer.send(topic, [...numbers(0, 4, 0), ...numbers(0, 2, 2)])
      const ranges = await broker.admin.offsets(topic)
      expect([...ranges].sort(([a], [b]) => a - b)).toEqual([
        [0, { earliest: 0, latest: 4 }],
        [1, { earliest: 0, latest: 0 }],
        [2, { earliest: 0, latest: 2 }],
      ])
      await producer.close()
    })

    it('knows nothing of a group that stored nothing', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      expect((await broker.admin.groupOffsets(`group-${randomUUID()}`, topic)).size).toBe(0)
    })

    it('refuses to write to a topic or partition that is not there', async () => {
      const { broker } = subject()
      const producer = await broker.createProducer()
      await expect(producer.send(`missing-${randomUUID()}`, numbers(0, 1))).rejects.toMatchObject({
        code: 'UNKNOWN_TOPIC',
      })
      const topic = await newTopic(broker)
      await expect(producer.send(topic, numbers(0, 1, 9))).rejects.toMatchObject({ code: 'UNKNOWN_PARTITION' })
      await producer.close()
    })

    it('answers a ping, and a sync after a send', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 1))
      await expect(broker.ping()).resolves.toBeUndefined()
      await expect(broker.sync(topic)).resolves.toBeUndefined()
      broker.retainFrom(topic, new Map([[0, 0]]))
      await producer.close()
    })
  })
}
