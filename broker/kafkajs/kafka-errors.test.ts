import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { FatalError, TransientError } from '../../schemas/errors.ts'
import { brokerError } from './kafka-errors.ts'

const thrown = (stumble: () => unknown): unknown => {
  try {
    return stumble()
  } catch (error) {
    return error
  }
}
// What the client does with the metadata that no broker gave it.
const metadata = JSON.parse('null') as { topicMetadata: unknown; brokers: unknown }

describe('what the client throws where no broker answers is transient, and names the brokers', () => {
  it.each([
    ['a connection that ends', new kafkajs.KafkaJSConnectionError('Closed connection')],
    [
      'inside another',
      new kafkajs.KafkaJSNumberOfRetriesExceeded(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), {
        retryCount: 1,
        retryTime: 1,
      }),
    ],
    ['no metadata, taken apart', thrown(() => (({ topicMetadata }) => topicMetadata)(metadata))],
    ['no metadata, read', thrown(() => metadata.topicMetadata)],
    ['no metadata, of the cluster', thrown(() => (({ brokers }) => brokers)(metadata))],
  ])('%s', (_, error) => {
    expect(error).toBeInstanceOf(Error)
    const told = brokerError(error, ['127.0.0.1:1'])
    expect(told).toBeInstanceOf(TransientError)
    expect(told).toMatchObject({ code: 'BROKER_UNREACHABLE', message: 'no broker answers at 127.0.0.1:1' })
  })
})

it('another stumble of the client is fatal', () => {
  const told = brokerError(
    thrown(() => (metadata as unknown as { other: unknown }).other),
    ['127.0.0.1:1'],
  )
  expect(told).toBeInstanceOf(FatalError)
  expect(told).toMatchObject({ code: 'BROKER_REFUSED' })
})
