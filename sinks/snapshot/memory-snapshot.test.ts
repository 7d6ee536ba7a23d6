import { snapshotContract } from '../snapshot.contract.ts'
import { createMemorySnapshot } from './memory-snapshot.ts'

snapshotContract('in memory', async () => createMemorySnapshot())
