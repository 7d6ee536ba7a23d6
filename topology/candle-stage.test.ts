import { expect, it } from 'vitest'
import type { PartitionCheckpoint } from '../ports/candle-store.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'
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
  await expect.poll(() => live.map(({ e, candle: { revision } }) => [e, revision])).toEqual([[6, 6]])
  await output.close()
  await broker.close()
})

it('while finals are owed, updates of many symbols come in turns at the pulse only; then turn follows turn', async () => {
  const { broker, output: feed, live, makeStage, partitions } = await createEngineWorld(() => 'ok')
  const stage = makeStage()
  const output = await stage.open({
    identity: { topic: topics.ticks, topicId: null, partitions },
    onAlarm: () => undefined,
    onFailure: (error) => expect.fail(String(error)),
  })
  await output.fence(0)
  const runner = (await output.begin(checkpoint(1), []))()
  await broker.subscribe({
    ...{ topic: topics.ticks, groupId: 'test', decoder: stage.decoder },
    handler: {
      assigned: async (assigned) => new Map(assigned.map((partition) => [partition, 0])),
      revoked: async () => undefined,
      batch: (batch) => {
        if (batch.partition === 0) runner.process(batch)
        return undefined
      },
      failed: (error) => expect.fail(String(error)),
    },
  })
  const symbols = Array.from({ length: 1000 }, (_, i) => `S${i}`)
    .filter((symbol) => partitionOfKey(symbol, partitions) === 0)
    .slice(0, 200)
  expect(symbols).toHaveLength(200)
  const startMs = Date.UTC(2026, 0, 1)
  let sent = 0
  const tickAll = async (eventTime: number, tradeId: number): Promise<void> => {
    const tick = { eventTime, price: 1, size: 1, side: 'buy', tradeId, idOrder: 'monotonic' } as const
    for (const symbol of symbols)
      feed.tick({ ...tick, symbol, sequence: tradeId, line: 'x', ingestTime: eventTime } as Tick)
    await feed.flush()
    sent += symbols.length
    await expect.poll(() => runner.nextOffset).toBe(sent)
  }
  const pulse = (): void => output.pulse((_, error) => expect.fail(String(error)))
  const told = (start: number) =>
    new Set(live.filter((one) => one.candle.start === start).map((one) => one.candle.symbol))

  await tickAll(startMs, 1)
  pulse()
  await expect.poll(() => told(startMs).size).toBe(symbols.length)
  const later = startMs + 3_600_000
  await tickAll(later, 2)
  const prepared = runner.prepare(0)
  expect(prepared.commit.candles.length).toBeGreaterThanOrEqual(symbols.length)
  live.length = 0
  pulse()
  await expect.poll(() => told(later).size).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(told(later).size).toBeLessThanOrEqual(64)
  await output.publish(prepared)
  pulse()
  await expect.poll(() => told(later).size).toBe(symbols.length)
  await output.close()
  await broker.close()
})
