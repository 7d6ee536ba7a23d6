import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { describeService } from '../test/services/services.ts'
import { brokerContract } from './broker.contract.ts'
import { kafkaClients } from './contract/kafka-clients.ts'
import { realClock } from './contract/real-clock.ts'

describeService('kafka', 'the contract of a broker on Apache Kafka', ({ brokers }) => {
  for (const { client, createBroker } of kafkaClients)
    brokerContract(client, async () => {
      const broker = createBroker({ brokers: [brokers], clientId: `test-${randomUUID()}`, clock: realClock() })
      const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      return {
        broker,
        async trim(topic, offset) {
          await admin.fetchTopicOffsets(topic) // makes the client know the topic
          await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: `${offset}` }] })
        },
        async cleanup() {
          await broker.close()
          await admin.disconnect()
        },
      }
    })
})
