import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { expect, it } from 'vitest'
import { describeService, describeServices } from './services.ts'

describeService('kafka', 'Kafka', ({ brokers }) => {
  it('answers its clients', async () => {
    const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    expect(await admin.listTopics()).toBeInstanceOf(Array)
    await admin.disconnect()
  })
})

describeService('registry', 'Schema registry', ({ url }) => {
  it("speaks Confluent's protocol", async () => {
    const response = await fetch(`${url}/subjects`)
    expect(await response.json()).toBeInstanceOf(Array)
  })
})

describeService('postgres', 'PostgreSQL', (postgres) => {
  it('gives a database of its own, with fsync', async () => {
    const database = await postgres.createDatabase()
    const client = new Client({ connectionString: database.url })
    await client.connect()
    expect((await client.query('SHOW fsync')).rows).toEqual([{ fsync: 'on' }])
    await client.end()
    await database.drop()
  })
})

describeServices(['redis', 'chromium'], 'Redis and Chromium', ({ redis, chromium }) => {
  it('are both there', async () => {
    const client = new Redis(redis.url)
    expect(await client.ping()).toBe('PONG')
    client.disconnect()
    expect(chromium.path).toMatch(/^\//)
  })
})
