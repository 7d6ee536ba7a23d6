import { describeServices } from '../services/services.ts'
import { describeData } from '../shared-data.ts'
import { serviceProfile } from './profiles.ts'
import { realInputSuite } from './real-input.ts'

describeServices(['kafka', 'registry', 'postgres', 'redis'], 'on Kafka, Apicurio, PostgreSQL and Redis', (services) => {
  describeData('real input', () => {
    realInputSuite((dir) => serviceProfile(services, dir), 2)
  })
})
