import { sampleCandle, sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'
import { createPgliteStore } from './pglite-store.ts'

// A process for a test to kill: commits one candle after another until then, and says which are committed.
const store = await createPgliteStore({ dir: process.argv[2] ?? '' })
const [owned] = await store.takeover('killed', sampleTopic, [0], Date.now())
if (owned === undefined) throw new Error('nothing was taken over')
for (let number = owned.commitNo + 1; ; number++) {
  const part = samplePart(
    {
      ...{ epoch: owned.epoch, previousOffset: (number - 1) * 10, commitNo: number },
      state: new Uint8Array(4).fill(number),
      stateFull: number % 8 === 0,
    },
    [sampleCandle({ symbol: 'KILLED', start: number * 60_000, seq: number })],
  )
  await store.commit(sampleCommit('killed', part))
  process.stdout.write(`${number}\n`)
}
