import { findErrorBy, ProtocolError, UnsupportedApiError } from '@platformatic/kafka'
import { FatalError, messageOf, RedwickError, TransientError } from '../../schemas/errors.ts'
import { unknownTopic } from '../broker-errors.ts'

const unknownTopicCode = 3

/**
 * What the client rejects with, as an error of ours: time mends all of it but what names another kind of broker or topic,
 * or what the broker refuses for good.
 *
 * @param topic Of what was asked; undefined where it was about none.
 */
export async function asked<Answer>(
  brokers: readonly string[],
  answer: Promise<Answer>,
  topic?: string,
): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    throw clientError(brokers, error, topic)
  }
}

/** The broker's own error code, where it answered with one. */
export function codeOf(error: unknown): number | undefined {
  const found = error instanceof Error ? findErrorBy(error, 'code', ProtocolError.code) : null
  return found instanceof ProtocolError ? Number(Reflect.get(found, 'apiCode')) : undefined
}

function clientError(brokers: readonly string[], error: unknown, topic: string | undefined): unknown {
  if (error instanceof RedwickError || !(error instanceof Error)) return error
  const code = codeOf(error)
  if (topic !== undefined && (code === unknownTopicCode || error.message.startsWith('Unknown topic')))
    return unknownTopic(topic)
  if (findErrorBy(error, 'code', UnsupportedApiError.code) !== null)
    return new FatalError({
      code: 'PROTOCOL_UNSUPPORTED',
      message: `the broker at ${brokers.join(', ')} speaks no version of the protocol that is spoken here`,
      why: messageOf(error),
      hint: 'set BROKER_CLIENT=kafkajs',
      cause: error,
    })
  if (code === undefined)
    return new TransientError({
      code: 'BROKER_UNREACHABLE',
      message: `no broker answers at ${brokers.join(', ')}`,
      why: messageOf(error),
      hint: 'start it, or correct REDPANDA_BROKERS',
      cause: error,
    })
  const details = { message: `the broker at ${brokers.join(', ')} refused`, why: messageOf(error), cause: error }
  return findErrorBy(error, 'canRetry', false) === null
    ? new TransientError({ code: 'BROKER_TROUBLE', ...details })
    : new FatalError({ code: 'BROKER_REFUSED', ...details })
}
