import { expect, it } from 'vitest'
import type { Broker, ReadOptions, StoredRecord } from '../ports/broker.ts'
import { systemClock } from '../topology/system-clock.ts'
import { seedChannel } from './live-channel.ts'
import { type LiveRecord, startLiveFeed } from './live-feed.ts'
import { candleOf } from './testing/fakes.ts'

it('a channel that a snapshot of this epoch began goes on from there when the log comes to the epoch', async () => {
  let reading: ReadOptions | undefined
  const broker = {
    async read(options: ReadOptions) {
      reading = options
      return { startOffsets: new Map([[0, 0]]), close: async () => undefined }
    },
  } as unknown as Broker
  const records: LiveRecord[] = []
  const heard: string[] = []
  const feed = await startLiveFeed({
    ...{ broker, topic: 'candles.live', clock: systemClock, log: () => undefined },
    decode: ({ offset }) => records[offset],
    listener: {
      emission: (_, { q }) => heard.push(`emission ${q}`),
      reset: ({ symbol }, reason) => heard.push(`reset ${symbol} ${reason}`),
    },
  })
  const say = async (record: LiveRecord): Promise<void> => {
    const offset = records.push(record) - 1
    await reading?.onRecords(0, [{ partition: 0, offset } as StoredRecord])
  }
  const emission = (e: number, q: number): LiveRecord => ({
    kind: 'update',
    e,
    q,
    candle: candleOf({ symbol: 'A', start: 0 }),
  })
  await say({ epoch: 4 })
  const [ahead, behind] = [feed.channel('A', 60), feed.channel('B', 60)]
  if (ahead === undefined || behind === undefined) throw new Error('the log is being read')
  expect([ahead.ring.e, ahead.ring.last]).toEqual([4, 0])
  ahead.seen = false
  seedChannel(ahead, { e: 5, q: 3 })
  await say({ epoch: 5 })
  for (const q of [1, 2, 3, 4]) await say(emission(5, q))
  expect(heard).toEqual(['reset B epoch', 'emission 4'])
  expect([ahead.ring.e, ahead.ring.last]).toEqual([5, 4])
  await say({ epoch: 6 })
  expect(heard.slice(2)).toEqual(['reset A epoch', 'reset B epoch'])
  await feed.close()
})
