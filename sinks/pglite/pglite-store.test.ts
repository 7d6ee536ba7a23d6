import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { candleStoreContract } from '../candle-store.contract.ts'
import { tablesContract } from '../tables.contract.ts'
import { createPgliteStore } from './pglite-store.ts'

candleStoreContract('PGlite in memory', async () => {
  const store = await createPgliteStore()
  return { store, dispose: () => store.close() }
})

candleStoreContract('PGlite in a folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-store-'))
  const store = await createPgliteStore({ dir })
  return {
    store,
    async dispose() {
      await store.close()
      await rm(dir, { recursive: true })
    },
  }
})

tablesContract('PGlite in memory', async () => {
  const store = await createPgliteStore()
  return { store, dispose: () => store.close() }
})
