import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { collect } from '../contract/collector.ts'
import { realClock } from '../contract/real-clock.ts'
import { newTopic, numbers, range, textLike, until } from '../contract/subject.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from './embedded-broker.ts'

let broker: EmbeddedBroker

beforeEach(() => {
  broker = createEmbeddedBroker({ clock: realClock() })
})
afterEach(() => broker.close())

it('fails a subscription and a reader whose topic is deleted', async () => {
  const topic = await newTopic(broker)
  const subscribed = await collect(broker, { topic })
  const errors: Error[] = []
  const reader = await broker.read({
    ...{ topic, from: 'earliest', onRecords: () => undefined },
    onError: (error) => errors.push(error),
  })
  await until(() => subscribed.owned.size === 1, 'the partition')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await broker.admin.deleteTopic(topic)
  await until(() => subscribed.errors.length + errors.length === 2, 'both failures')
  expect([...subscribed.errors, ...errors]).toMatchObject([{ code: 'UNKNOWN_TOPIC' }, { code: 'UNKNOWN_TOPIC' }])
  await reader.close()
})

it('fails, and does not jump, when retention overtakes a paused reader', async () => {
  const topic = await newTopic(broker, 1, { 'retention.bytes': '100000' })
  const producer = await broker.createProducer()
  await producer.send(topic, numbers(0, 5))
  const reader = await collect(broker, { topic })
  await until(() => reader.values.length >= 5, 'five records')
  reader.subscription.pause([0])
  for (let i = 5; i < 60; i++) await producer.send(topic, numbers(i, i + 1, 0, 8_192))
  reader.subscription.resume([0])
  await until(() => reader.errors.length > 0, 'the failure')
  expect(reader.errors).toMatchObject([
    { code: 'OFFSET_OUT_OF_RANGE', message: textLike(/offset 5: it holds \d+ to 60/) },
  ])
  expect(reader.values).toEqual(range(0, 5))
})

it('fences a member that stores offsets of partitions it no longer owns', async () => {
  const topic = await newTopic(broker, 2)
  const groupId = `group-${randomUUID()}`
  const first = await collect(broker, { topic, groupId })
  await until(() => first.owned.size === 2, 'both partitions')
  const second = await collect(broker, { topic, groupId })
  await until(() => second.owned.size === 1, 'one partition')
  const [lost = 0] = second.owned
  const storing = first.subscription.commitOffsets(new Map([[lost, 1]]))
  await expect(storing).rejects.toMatchObject({ code: 'GROUP_FENCED' })
  await second.subscription.commitOffsets(new Map([[lost, 1]]))
})

it('hands the partitions of a failed member to the others', async () => {
  const topic = await newTopic(broker, 2)
  const groupId = `group-${randomUUID()}`
  const producer = await broker.createProducer()
  const first = await collect(broker, { topic, groupId })
  const bad = { batch: () => Promise.reject(new Error('cannot')) }
  const second = await collect(broker, { topic, groupId, on: bad })
  await until(() => first.owned.size === 1 && second.owned.size === 1, 'one each')
  await producer.send(topic, [...numbers(0, 1, 0), ...numbers(1, 2, 1)])
  await until(() => second.errors.length > 0, 'the failure')
  await until(() => first.owned.size === 2, 'both partitions')
  await until(() => new Set(first.values).size === 2, 'both records')
})
