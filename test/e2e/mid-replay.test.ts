import { describeServices } from '../services/services.ts'
import { describeData } from '../shared-data.ts'
import { midReplaySuite } from './mid-replay.ts'
import { serviceProfile } from './profiles.ts'

describeData('mid-replay on the embedded profile', () => {
  midReplaySuite(async (dir) => ({ environment: { DATA_DIR: dir }, drop: async () => undefined }))
})

describeServices(
  ['kafka', 'registry', 'postgres', 'redis'],
  'mid-replay on Kafka, Apicurio, PostgreSQL and Redis',
  (services) => {
    describeData('real input', () => {
      midReplaySuite((dir) => serviceProfile(services, dir), 2)
    })
  },
)
