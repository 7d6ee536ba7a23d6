import { describe, expect, it } from 'vitest'
import type { ControlRecord } from '../../schemas/control.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { Tick } from '../../schemas/tick.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { history, minute, minutesOf, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type Emitted, type PipelineOptions } from '../../test/pipeline.ts'
import { stateEntries } from '../../test/state-entries.ts'

const partitions = 2
const contentOf = ({ kind, candle }: Emitted) => {
  const { seq: _, ...content } = candle
  return JSON.stringify({ kind, ...content })
}
/** Stands for the tick of another partition: it moves the time of its line. */
const heldBack = ({ line, eventTime }: Tick) => ({
  control: { kind: 'held', line, eventTime } as unknown as ControlRecord,
})
/** One partition of two, from the state of the only one that there was. */
const takenUp = (partition: number, state: ReadonlyMap<string, Uint8Array>, over: PipelineOptions = {}) =>
  createTestPipeline({
    ...{ partition, partitions, states: [state] },
    moved: { isElsewhere: (key) => partitionOfKey(key, partitions) !== partition, isNewPartition: partition > 0 },
    ...over,
  })

describe('state of before a topic had more partitions', () => {
  it('is taken up by key: what the partitions say together is what the one would have said', () => {
    const { first, second } = stateEntries()
    const always = createTestPipeline()
    always.feed(first)
    const { state } = always.barrier(true)
    always.feed(second)
    const said = always.barrier().emitted
    expect(said.length).toBeGreaterThan(100)
    const split = [0, 1].flatMap((partition) => {
      const pipeline = takenUp(partition, state)
      // Time stands where it would stand if all of the line came this way.
      pipeline.feed(
        second.map((entry): LogEntry => {
          if ('control' in entry || partitionOfKey(entry.tick.symbol, partitions) === partition) return entry
          return heldBack(entry.tick)
        }),
      )
      const { emitted, state: own } = pipeline.barrier(true)
      expect(emitted.length).toBeGreaterThan(20)
      expect(pipeline.refusals).toEqual([])
      for (const [step, bytes] of own)
        for (const name of ['B-USD', 'C:X'])
          if (partitionOfKey(name, partitions) !== partition)
            expect([step, Buffer.from(bytes).includes(name)]).toEqual([step, false])
      return emitted
    })
    expect(split.map(contentOf).sort()).toEqual(said.map(contentOf).sort())
  })

  it('of history: what is settled stays so, of the keys that are there', () => {
    const home = partitionOfKey('A', partitions)
    const other = ['B', 'C', 'D', 'E', 'F'].find((symbol) => partitionOfKey(symbol, partitions) !== home) ?? ''
    const before = createTestPipeline()
    before.feed([tick(0), tick(0, { symbol: other })])
    before.barrier()
    before.feed([history(0, minute, [10_000, 20_000])])
    const { state } = before.barrier(true)
    const [there, elsewhere] = [takenUp(home, state), takenUp(1 - home, state)]
    there.feed([tick(30_000)])
    elsewhere.feed([tick(30_000, { symbol: other })])
    expect(there.counts).toMatchObject({ duplicate: 1, used: 0 })
    expect(elsewhere.counts).toMatchObject({ duplicate: 0, used: 1 })
    expect(Buffer.from(elsewhere.barrier(true).state.get('candles.history') ?? []).length).toBe(
      Buffer.from(createTestPipeline().barrier(true).state.get('candles.history') ?? []).length,
    )
  })

  it.each([
    { name: 'a new partition reads its own log of history from the start', isNewPartition: true, trades: 2 },
    { name: 'the one that was there goes on where it was', isNewPartition: false, trades: 1 },
  ])('$name', ({ isNewPartition, trades }) => {
    const before = createTestPipeline()
    before.feed([tick(0, { symbol: 'B' })])
    before.barrier()
    before.feed([history(60_000, 2 * minute, [70_000], 1)])
    const { state } = before.barrier(true)
    const pipeline = takenUp(partitionOfKey('A', partitions), state, {
      moved: { isElsewhere: () => true, isNewPartition },
    })
    pipeline.feed([tick(0)])
    pipeline.barrier()
    pipeline.feed([history(0, minute, [10_000, 20_000], 1)])
    expect(minutesOf(pipeline.pulse().concat(pipeline.barrier().emitted)).at(0)).toMatchObject({ 3: trades })
  })
})
