import { describeServices } from '../services/services.ts'
import { serviceProfile } from './profiles.ts'
import { repartitionSuite } from './repartition.ts'

describeServices(['kafka', 'registry', 'postgres', 'redis'], 'npm run repartition, on a cluster', (services) => {
  repartitionSuite((dir) => serviceProfile(services, dir))
})
