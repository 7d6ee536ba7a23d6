import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { StoredRecord } from '../ports/broker.ts'
import { startFaultProxy } from '../test/chaos/fault-proxy.ts'
import { watchKafka } from '../test/chaos/wire-watches.ts'
import { freePort } from '../test/services/free-port.ts'
import { startKafka } from '../test/services/kafka.ts'
import { describeService } from '../test/services/services.ts'
import { collect } from './contract/collector.ts'
import { kafkaClients } from './contract/kafka-clients.ts'
import { realClock } from './contract/real-clock.ts'
import { newTopic, numbers, range, until } from './contract/subject.ts'

// `kafka` is not used itself: it says whether a broker of this test's own can be started.
describeService('kafka', 'a client while the broker is killed and comes back', () => {
  it.each(kafkaClients)(
    '$client goes on from where it was, with every record once; a reader too, whose new join nobody answers',
    async ({ client, createBroker }) => {
      const dir = await mkdtemp(join(tmpdir(), 'redwick-kafka-restart-'))
      const port = await freePort()
      const listener = await freePort()
      const proxy = await startFaultProxy(listener, watchKafka)
      const proxied = [{ port: listener, advertised: proxy.port }]
      let kafka = await startKafka({ dir, port, proxied })
      try {
        const broker = createBroker({ brokers: [kafka.brokers], clientId: randomUUID(), clock: realClock() })
        const topic = await newTopic(broker, 2)
        const committed = new Map<number, number>()
        const on = {
          assigned: async (partitions: readonly number[]) =>
            new Map(partitions.map((partition) => [partition, committed.get(partition) ?? 0])),
          async batch({ partition, nextOffset }: { partition: number; nextOffset: number }) {
            committed.set(partition, nextOffset)
          },
        }
        const through = createBroker({
          brokers: [`127.0.0.1:${proxy.port}`],
          clientId: randomUUID(),
          clock: realClock(),
        })
        const [read, failures]: [number[], Error[]] = [[], []]
        const onRecords = (_: number, records: readonly StoredRecord[]): undefined => {
          read.push(...records.map(({ value }) => value?.readDoubleLE(0) ?? Number.NaN))
        }
        const alone = await through.read({
          topic,
          from: 'earliest',
          onRecords,
          onError: (error) => failures.push(error),
        })
        const reader = await collect(broker, { topic, on })
        const producer = await broker.createProducer()
        await producer.send(topic, [...numbers(0, 50, 0), ...numbers(50, 100, 1)])
        await until(() => reader.values.length >= 100 && read.length >= 100, 'the records before')
        await kafka.kill()
        let swallowed = 0
        proxy.onPoint = (point, passage) => {
          if (point === 'join' && swallowed++ === 0) passage.swallow()
        }
        await expect(producer.send(topic, numbers(100, 101))).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
        kafka = await startKafka({ dir, port, proxied })
        await producer.send(topic, [...numbers(100, 150, 0), ...numbers(150, 200, 1)])
        await until(() => reader.values.length >= 200 || reader.errors.length > 0, 'the records after')
        expect(reader.errors).toEqual([])
        expect([...reader.values].sort((a, b) => a - b)).toEqual(range(0, 200))
        await expect.poll(() => read.length, { timeout: 30_000 }).toBe(200)
        expect([...read].sort((a, b) => a - b)).toEqual(range(0, 200))
        // Only kafkajs joins a group to read without one.
        expect({ failures, swallowed: swallowed > 0 }).toEqual({ failures: [], swallowed: client === 'kafkajs' })
        await reader.subscription.close()
        await alone.close()
        await Promise.all([broker.close(), through.close()])
      } finally {
        await kafka.kill()
        await proxy.close()
        await rm(dir, { recursive: true })
      }
    },
    60_000,
  )
})
