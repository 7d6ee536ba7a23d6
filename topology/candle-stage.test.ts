import { expect, it, vi } from 'vitest'
import type { PartitionCheckpoint } from '../ports/candle-store.ts'
import { createEngineWorld, topics } from '../test/engine-world.ts'
import { namedCandles } from './named-candles.ts'
import { candle } from './testing/builders.ts'

const checkpoint = (epoch: number): PartitionCheckpoint => ({
  ...{ partition: 0, epoch, nextOffset: 0, commitNo: 0, lastSeq: 0, states: [], outbox: [], quarantines: [] },
})

it('leaves what an earlier owner of ours committed to the takeover that followed', async () => {
  const { broker, live, makeStage, partitions } = await createEngineWorld(() => 'ok')
  const output = await makeStage().open({
    identity: { topic: topics.ticks, topicId: null, partitions },
    onAlarm: () => undefined,
    onFailure: (error) => expect.fail(String(error)),
  })
  const takeOver = async (epoch: number) => {
    await output.fence(0)
    return (await output.begin(checkpoint(epoch), []))()
  }
  const prepared = async (epoch: number) => {
    const runner = await takeOver(epoch)
    return { ...runner.prepare(0), finals: namedCandles([{ kind: 'final', candle: candle({ revision: epoch }) }]) }
  }
  const published = async () => (await broker.admin.offsets(topics.candles)).get(0)?.latest
  const [first, second] = [await prepared(5), await prepared(6)]
  await output.publish(first)
  expect(await published()).toBe(0)
  await output.publish(second)
  expect(await published()).toBe(1)
  await output.fence(0)
  await output.publish(second)
  expect(await published()).toBe(1)
  await vi.waitFor(() => expect(live.map(({ e, candle: { revision } }) => [e, revision])).toEqual([[6, 6]]))
  await output.close()
  await broker.close()
})
