import { expect, it } from 'vitest'
import type { OutgoingRecord, Producer } from '../ports/broker.ts'
import { FatalError, InvariantViolation, TransientError } from '../schemas/errors.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'
import { createTickPublisher, pendingMax, sendAttemptsMax } from './tick-publisher.ts'

function tickOf(symbol: string, tradeId: number): Tick {
  const times = { eventTime: 1_000, ingestTime: 1_000 }
  return {
    symbol,
    price: 1,
    size: 1,
    side: 'buy',
    tradeId,
    idOrder: 'monotonic',
    sequence: tradeId,
    line: 'l',
    ...times,
  }
}

const down = new TransientError({ code: 'BROKER_UNREACHABLE', message: 'down' })

function publisher(fails: readonly (Error | undefined)[] = [], partitions = 3) {
  const sent: (readonly OutgoingRecord[])[] = []
  const waits: number[] = []
  const outcomes = [...fails]
  const producer: Producer = {
    async send(_topic, records) {
      const failure = outcomes.shift()
      if (failure !== undefined) throw failure
      sent.push(records)
      return []
    },
    close: async () => undefined,
  }
  const output = createTickPublisher({
    producer,
    topic: 'ticks',
    partitions,
    encodeTick: (tick) => Buffer.from(`${tick.symbol}${tick.tradeId}`),
    encodeControl: (record) => Buffer.from(record.kind),
    sleep: async (ms) => void waits.push(ms),
  })
  const texts = () => sent.map((records) => records.map((record) => String(record.value)))
  return { output, sent, texts, waits }
}

it('a flush is one send of every partition, in order', async () => {
  const { output, sent, texts } = publisher()
  output.tick(tickOf('A', 1))
  output.tick(tickOf('B', 1))
  output.control({ kind: 'end', line: 'l' })
  expect(output.pending).toBe(5)
  await output.flush()
  expect(texts()).toEqual([['A1', 'B1', 'end', 'end', 'end']])
  expect(sent[0]?.map((record) => record.partition)).toEqual([partitionOfKey('A', 3), partitionOfKey('B', 3), 0, 1, 2])
  expect(sent[0]?.[2]).toMatchObject({ key: null, headers: { redwick: 'end' } })
  expect(sent[0]?.[0]?.headers).toBeUndefined()
  expect(output.pending).toBe(0)
})

it('a control record may go to one partition', async () => {
  const { output, sent } = publisher()
  output.control({ kind: 'move', line: 'l', symbol: 'A' }, 2)
  await output.flush()
  expect(sent[0]?.map((record) => record.partition)).toEqual([2])
})

it('a flush of nothing sends nothing', async () => {
  const { output, sent } = publisher()
  await output.flush()
  expect(sent).toEqual([])
})

it('flushes that overlap are sent one after the other, each with what was written before it', async () => {
  const { output, texts } = publisher([down, down])
  output.tick(tickOf('A', 1))
  const first = output.flush()
  output.tick(tickOf('A', 2))
  const second = output.flush()
  output.tick(tickOf('A', 3))
  await Promise.all([first, second])
  expect(texts()).toEqual([['A1'], ['A2']])
  expect(output.pending).toBe(1)
})

it('a transient failure is tried again, whole, with waits that grow to a bound', async () => {
  const { output, texts, waits } = publisher(Array.from({ length: sendAttemptsMax - 1 }, () => down))
  output.tick(tickOf('A', 1))
  await output.flush()
  expect(texts()).toEqual([['A1']])
  expect(waits.length).toBe(sendAttemptsMax - 1)
  expect(Math.max(...waits)).toBeLessThanOrEqual(5_000)
  expect(waits[0]).toBeGreaterThanOrEqual(50)
})

it('a flush that failed for good is sent first by the next one', async () => {
  const { output, texts } = publisher(Array.from({ length: sendAttemptsMax }, () => down))
  output.tick(tickOf('A', 1))
  await expect(output.flush()).rejects.toBe(down)
  expect(output.pending).toBe(1)
  output.tick(tickOf('A', 2))
  await output.flush()
  expect(texts()).toEqual([['A1'], ['A2']])
})

it('a fatal failure is not tried again', async () => {
  const fatal = new FatalError({ code: 'X', message: 'x' })
  const { output, waits } = publisher([fatal])
  output.tick(tickOf('A', 1))
  await expect(output.flush()).rejects.toBe(fatal)
  expect(waits).toEqual([])
})

it('a feed that never flushes meets the bound', () => {
  const { output } = publisher([], 1)
  for (let i = 0; i < pendingMax; i++) output.tick(tickOf('A', i))
  expect(() => output.tick(tickOf('A', 0))).toThrow(InvariantViolation)
})
