import { describeData } from '../shared-data.ts'
import { realInputSuite } from './real-input.ts'

describeData('real input on the embedded profile', () => {
  realInputSuite(async (dir) => ({ environment: { DATA_DIR: dir }, drop: async () => undefined }), 2)
})
