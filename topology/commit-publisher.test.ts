import { expect, it } from 'vitest'
import type { Broker, TransactionalProducer } from '../ports/broker.ts'
import type { Emission } from '../schemas/candle.ts'
import { FencedError } from '../schemas/errors.ts'
import { topicNames } from '../schemas/topics.ts'
import { createCommitPublisher } from './commit-publisher.ts'
import { namedCandles } from './named-candles.ts'
import { systemClock } from './system-clock.ts'
import { candle } from './testing/builders.ts'

/** A publisher of partition 0 whose successive producers tell what they sent; one that was closed sends no more. */
function createPublisher() {
  const sent: string[][] = []
  const makeProducer = (): TransactionalProducer => {
    const own: string[] = []
    let isClosed = false
    sent.push(own)
    return {
      async send(groups) {
        if (isClosed) throw new FencedError({ code: 'PRODUCER_FENCED', message: 'there is a later one' })
        for (const { records } of groups) own.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()))
      },
      async close() {
        isClosed = true
      },
    }
  }
  const broker: Pick<Broker, 'createTransactionalProducer'> = {
    createTransactionalProducer: async () => makeProducer(),
  }
  const publisher = createCommitPublisher({
    broker: broker as Broker,
    ...{ clock: systemClock, topics: topicNames(''), idPrefix: 't' },
    encode: ({ e }: Emission) => Buffer.from(`epoch ${e}`),
  })
  return { publisher, sent }
}

it('what is still being encoded when the partition is taken over does not go out as its successor', async () => {
  const { publisher, sent } = createPublisher()
  await publisher.takeOver(0)
  const finals = Array.from({ length: 5_000 }, (_, i) => ({ kind: 'final' as const, candle: candle({ start: i }) }))
  const late = publisher.publish(0, 1, { finals: namedCandles(finals), deadLetters: [] })
  await publisher.takeOver(0)
  await expect(late).rejects.toBeInstanceOf(FencedError)
  await publisher.publish(0, 2, { finals: namedCandles(finals.slice(0, 2)), deadLetters: [] })
  expect(sent).toEqual([[], ['epoch 2', 'epoch 2']])
})
