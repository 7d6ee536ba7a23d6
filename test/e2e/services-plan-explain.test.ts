import pg from 'pg'
import { describeServices } from '../services/services.ts'
import { planExplainSuite } from './plan-explain.ts'
import { serviceProfile } from './profiles.ts'

describeServices(['kafka', 'registry', 'postgres', 'redis'], 'on Kafka, Apicurio, PostgreSQL and Redis', (services) => {
  planExplainSuite(async (dir) => {
    const { environment, drop } = await serviceProfile(services, dir)
    return {
      environment,
      async tamper(sql) {
        const client = new pg.Client({ connectionString: environment['DATABASE_URL'] })
        await client.connect()
        await client.query(sql)
        await client.end()
      },
      drop,
    }
  })
})
