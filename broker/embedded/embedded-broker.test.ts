import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerContract } from '../broker.contract.ts'
import { realClock } from '../contract/real-clock.ts'
import { createEmbeddedBroker } from './embedded-broker.ts'

brokerContract('embedded, in memory', async () => {
  const broker = createEmbeddedBroker({ clock: realClock() })
  return { broker, trim: async () => broker.retain(), cleanup: () => broker.close() }
})

brokerContract('embedded, in a folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-broker-'))
  // Little memory: old pages are read back from their files.
  const broker = createEmbeddedBroker({ dir, clock: realClock(), memoryBytes: 64 * 1024 })
  return {
    broker,
    trim: async () => broker.retain(),
    async cleanup() {
      await broker.close()
      await rm(dir, { recursive: true })
    },
  }
})
