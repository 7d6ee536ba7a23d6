import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { TransientError } from '../../schemas/errors.ts'
import { freePort } from '../../test/services/free-port.ts'
import { startKafka } from '../../test/services/kafka.ts'
import { describeService } from '../../test/services/services.ts'
import { collect } from '../contract/collector.ts'
import { realClock } from '../contract/real-clock.ts'
import { newTopic, numbers } from '../contract/subject.ts'
import { createFastBroker } from './fast-broker.ts'

const partitions = 4
const replicas = 2
const sendEveryMs = 20

/** Sends numbers one by one until told to end. @returns What is in the log for sure, and what may be. */
function sending(send: (value: number) => Promise<unknown>) {
  const told = { sure: [] as number[], maybe: [] as number[] }
  let isOver = false
  const done = (async () => {
    for (let value = 0; !isOver; value++) {
      try {
        await send(value)
        told.sure.push(value)
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        told.maybe.push(value)
      }
      await sleep(sendEveryMs)
    }
  })()
  const end = async () => {
    isOver = true
    await done
    return told
  }
  return { told, end }
}

// `kafka` is not used itself: it says whether brokers of this test's own can be started.
describeService('kafka', 'two brokers, one of which is killed', () => {
  it('are read and written on, each record once', async () => {
    const controllerPort = await freePort()
    const first = await startKafka({ controllerPort, replicas })
    const second = await startKafka({ controllerPort, replicas, joins: true })
    const addresses = [first.brokers, second.brokers]
    const broker = createFastBroker({ brokers: addresses, clientId: randomUUID(), clock: realClock() })
    try {
      const [plain, fenced] = [await newTopic(broker, partitions), await newTopic(broker, partitions)]
      const readers = [await collect(broker, { topic: plain }), await collect(broker, { topic: fenced })] as const
      const producer = await broker.createProducer()
      const transactional = await broker.createTransactionalProducer(randomUUID())
      const senders = [
        sending((value) => producer.send(plain, numbers(value, value + 1, value % partitions))),
        sending((value) =>
          transactional.send([{ topic: fenced, records: numbers(value, value + 1, value % partitions) }]),
        ),
      ] as const
      const areRead = () => readers.every(({ values }) => values.length >= 5 * partitions)
      await expect.poll(areRead, { timeout: 20_000 }).toBe(true)
      await second.kill()
      const atKill = senders.map(({ told }) => told.sure.length)
      const goOn = () => senders.every(({ told }, i) => told.sure.length > (atKill[i] ?? 0) + 10 * partitions)
      await expect.poll(goOn, { timeout: 40_000 }).toBe(true)
      for (const [i, sender] of senders.entries()) {
        const { sure, maybe } = await sender.end()
        const values = (): readonly number[] => readers[i]?.values ?? []
        await expect.poll(() => sure.filter((value) => !values().includes(value)), { timeout: 20_000 }).toEqual([])
        expect(new Set(values()).size).toBe(values().length)
        expect(values().filter((value) => !sure.includes(value) && !maybe.includes(value))).toEqual([])
        expect(readers[i]?.errors).toEqual([])
      }
      await Promise.all(readers.map(({ subscription }) => subscription.close()))
    } finally {
      await broker.close()
      await second.kill()
      await first.stop()
    }
  }, 120_000)
})
