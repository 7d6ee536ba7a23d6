import { describeService } from '../../test/services/services.ts'
import { candleStoreContract } from '../candle-store.contract.ts'
import { tablesContract } from '../tables.contract.ts'
import { createPostgresStore } from './postgres-store.ts'

describeService('postgres', 'PostgreSQL store', ({ createDatabase }) => {
  candleStoreContract('PostgreSQL', async () => {
    const { url, drop } = await createDatabase()
    const store = await createPostgresStore({ url })
    return {
      store,
      async dispose() {
        await store.close()
        await drop()
      },
    }
  })

  tablesContract('PostgreSQL', async () => {
    const { url, drop } = await createDatabase()
    const store = await createPostgresStore({ url })
    const second = await createPostgresStore({ url })
    return {
      store,
      second,
      async dispose() {
        await Promise.all([store.close(), second.close()])
        await drop()
      },
    }
  })
})
