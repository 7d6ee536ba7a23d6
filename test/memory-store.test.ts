import { tablesContract } from '../sinks/tables.contract.ts'
import { createMemoryStore } from './memory-store.ts'

tablesContract('in memory', async () => {
  const store = createMemoryStore(() => 'ok')
  return { store, dispose: () => store.close() }
})
