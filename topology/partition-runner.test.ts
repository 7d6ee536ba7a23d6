import { expect, it } from 'vitest'
import type { PartitionCheckpoint } from '../ports/candle-store.ts'
import { Interner } from '../schemas/interner.ts'
import { candles } from './candles.ts'
import { createPartitionRunner, type PartitionRunner } from './partition-runner.ts'
import { collectGarbage } from './testing/garbage.ts'

const runnerAt = (checkpoint: PartitionCheckpoint): PartitionRunner =>
  createPartitionRunner({
    ...{ topology: candles, topic: 'ticks', partitions: 1, checkpoint, suspects: [] },
    ...{ symbols: new Interner(), lines: new Interner() },
    history: { read: async () => undefined },
    replay: async () => ({ isDone: false, why: 'no key is held' }),
    onAlarm: () => undefined,
  })

const checkpointOf = (commitNo: number, states: readonly Uint8Array[]): PartitionCheckpoint => ({
  ...{ partition: 0, epoch: commitNo + 1, nextOffset: 0, commitNo, lastSeq: 0 },
  ...{ states, outbox: [], quarantines: [] },
})

it('does not keep the states that it was made from', async () => {
  const stored = (): Uint8Array => runnerAt(checkpointOf(0, [])).prepare(0).commit.state
  const makeFrom = (state: Uint8Array) => ({ runner: runnerAt(checkpointOf(1, [state])), state: new WeakRef(state) })
  const { runner, state } = makeFrom(stored())
  await collectGarbage()
  expect(state.deref()).toBeUndefined()
  expect(runner.prepare(1).commit).toMatchObject({ commitNo: 2, stateFull: false })
})
