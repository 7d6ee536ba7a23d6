import { expect, it } from 'vitest'
import type { OutgoingRecord } from '../ports/broker.ts'
import type { Emission } from '../schemas/candle.ts'
import { TransientError } from '../schemas/errors.ts'
import { createEmissionPublisher } from './emission-publisher.ts'
import { namedCandles } from './named-candles.ts'
import { candle } from './testing/builders.ts'

const updates = (...symbols: readonly string[]) =>
  namedCandles(symbols.map((symbol) => ({ kind: 'update', candle: candle({ symbol }) })))

/** A publisher whose sends are told as they arrive; the `failing`th one does not. */
function createPublisher(failing = 0) {
  const sent: string[] = []
  const bySend: string[][] = []
  const ends = new Map<number, number>()
  let sends = 0
  const publisher = createEmissionPublisher({
    topic: 't',
    producer: {
      async send(_topic, records: readonly OutgoingRecord[]) {
        sends += 1
        if (sends === failing) throw new TransientError({ code: 'BROKER_UNREACHABLE', message: 'it was made to fail' })
        const texts = records.map(({ value }) => Buffer.from(value ?? []).toString())
        const partitions = new Set(records.map(({ partition }) => partition))
        const ranges = [...partitions].map((partition) => ({ partition, baseOffset: ends.get(partition) ?? 0 }))
        for (const { partition } of records) ends.set(partition, (ends.get(partition) ?? 0) + 1)
        sent.push(...texts)
        bySend.push(texts)
        return ranges
      },
      close: async () => undefined,
    },
    encode: ({ e, q, candle: { symbol } }: Emission) => Buffer.from(`${symbol} ${e}/${q}`),
    encodeEpoch: (e) => Buffer.from(`epoch ${e}`),
  })
  return { publisher, sent, bySend }
}

it('counts each channel from 1 under each owner, in the order of the calls', async () => {
  const { publisher, sent } = createPublisher()
  await publisher.startEpoch(0, 7)
  void publisher.publish(0, updates('A', 'B'))
  expect(publisher.isBusy).toBe(true)
  expect(await publisher.publish(0, updates('A'))).toMatchObject({
    channels: [{ e: 7, q: 2, offset: 3 }],
    lastOffset: 3,
  })
  await publisher.startEpoch(0, 9)
  await publisher.publish(0, updates('A'))
  expect(sent).toEqual(['epoch 7', 'A 7/1', 'B 7/1', 'A 7/2', 'epoch 9', 'A 9/1'])
  expect(publisher.isBusy).toBe(false)
})

it('sends much in slices, and tells where each channel stands behind the last', async () => {
  const { publisher, sent } = createPublisher()
  await publisher.startEpoch(0, 7)
  const symbols = Array.from({ length: 4_500 }, (_, i) => `S${i % 3_000}`)
  const { channels, lastOffset } = await publisher.publish(0, updates(...symbols))
  expect(sent.slice(1)).toEqual(symbols.map((symbol, i) => `${symbol} 7/${i < 3_000 ? 1 : 2}`))
  expect(lastOffset).toBe(4_500)
  const placed = new Map(channels.map(({ symbol, q, offset }) => [symbol, { q, offset }]))
  expect(placed.size).toBe(3_000)
  expect(placed.get('S0')).toEqual({ q: 2, offset: 3_001 })
  expect(placed.get('S2999')).toEqual({ q: 1, offset: 3_000 })
})

it('sends nothing behind a send that failed, under that owner', async () => {
  const { publisher, sent } = createPublisher(3)
  await publisher.startEpoch(0, 7)
  await publisher.publish(0, updates('A'))
  const failing = publisher.publish(0, updates('A'))
  // It waits already, and what fails before it is not known to its caller.
  const behind = publisher.publish(0, updates('A'))
  await expect(failing).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
  await expect(behind).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
  await publisher.startEpoch(0, 8)
  await publisher.publish(0, updates('A'))
  expect(sent).toEqual(['epoch 7', 'A 7/1', 'epoch 8', 'A 8/1'])
})

it('sends nothing for a partition that it was told to forget', async () => {
  const { publisher, sent } = createPublisher()
  await publisher.startEpoch(0, 7)
  publisher.forget(0)
  expect(await publisher.publish(0, updates('A'))).toEqual({ channels: [], lastOffset: -1 })
  expect(sent).toEqual(['epoch 7'])
})

it('what several partitions say in one turn goes in one send; each counts for itself, and a short one does not wait for a long one', async () => {
  const { publisher, bySend } = createPublisher()
  await Promise.all([publisher.startEpoch(0, 7), publisher.startEpoch(1, 8)])
  const many = Array.from({ length: 2_500 }, (_, i) => `S${i}`)
  const long = publisher.publish(0, updates(...many))
  const [short, next] = await Promise.all([publisher.publish(1, updates('A')), publisher.publish(1, updates('A', 'B'))])
  expect(short).toMatchObject({ channels: [{ symbol: 'A', e: 8 }], lastOffset: 1 })
  expect(next).toMatchObject({ channels: [{ symbol: 'A', q: 2, offset: 2 }, { symbol: 'B' }], lastOffset: 3 })
  expect(publisher.isBusy).toBe(true)
  expect((await long).lastOffset).toBe(2_500)
  expect(bySend[0]).toEqual(['epoch 7', 'epoch 8'])
  const longOnes = bySend.slice(1).map((texts) => texts.filter((text) => text.startsWith('S')).length)
  expect(longOnes).toEqual([1_000, 1_000, 500])
  expect(bySend.slice(1).map((texts) => texts.filter((text) => /^[AB] /.test(text)))).toEqual([
    ['A 8/1'],
    ['A 8/2', 'B 8/1'],
    [],
  ])
})

it('a send that failed ends every owner that it had a part of, no other', async () => {
  const { publisher, sent } = createPublisher(2)
  await Promise.all([publisher.startEpoch(0, 7), publisher.startEpoch(1, 8), publisher.startEpoch(2, 9)])
  const outcomes = await Promise.allSettled([publisher.publish(0, updates('A')), publisher.publish(1, updates('B'))])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const later = await Promise.allSettled([0, 1, 2].map((partition) => publisher.publish(partition, updates('C'))))
  expect(later.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  expect(sent).toEqual(['epoch 7', 'epoch 8', 'epoch 9', 'C 9/1'])
})
