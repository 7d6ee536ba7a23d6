import { FatalError, messageOf, RedwickError, TransientError } from '../../schemas/errors.ts'

const unreachable = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSGroupCoordinatorNotFound',
])
/** The client's word for a connection that ended while it was being made ready. */
const notConnected = 'Broker not connected'
/** Where none of the brokers that it knows answers, the client goes on with no metadata, and stumbles over that. */
const noMetadata = /^Cannot (destructure property|read properties of null \(reading) '(topicMetadata|brokers)'/
const fenced = new Set(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'])
const causesMax = 8

/** What the client threw, as an error of ours that names the brokers. */
export function brokerError(error: unknown, brokers: readonly string[]): RedwickError {
  if (error instanceof RedwickError) return error
  const chain = causes(error)
  if (
    chain.some(
      ({ name, code, message }) =>
        unreachable.has(name) || code === 'ECONNREFUSED' || message === notConnected || noMetadata.test(message),
    )
  )
    return new TransientError({
      code: 'BROKER_UNREACHABLE',
      message: `no broker answers at ${brokers.join(', ')}`,
      why: messageOf(error),
      hint: 'start it, or correct REDPANDA_BROKERS',
      cause: error,
    })
  const details = { message: `the broker at ${brokers.join(', ')} refused`, why: messageOf(error), cause: error }
  const retriable = chain.some((cause) => cause.retriable)
  return retriable
    ? new TransientError({ code: 'BROKER_TROUBLE', ...details })
    : new FatalError({ code: 'BROKER_REFUSED', ...details })
}

/** A later producer has the transactional id. */
export function isFenced(error: unknown): boolean {
  return causes(error).some(({ type }) => fenced.has(type))
}

/** Kafka's name of what went wrong, e.g. `TOPIC_ALREADY_EXISTS`, anywhere among the causes. */
export function hasType(error: unknown, type: string): boolean {
  return causes(error).some((cause) => cause.type === type)
}

interface Cause {
  readonly name: string
  readonly message: string
  readonly type: string
  readonly code: unknown
  readonly retriable: boolean
}

function causes(error: unknown): Cause[] {
  const found: Cause[] = []
  for (let at = error; at instanceof Error && found.length < causesMax; ) {
    const read = (key: string): unknown => Reflect.get(Object(at), key)
    const { name, message } = at
    found.push({ name, message, type: String(read('type')), code: read('code'), retriable: read('retriable') === true })
    const inner: unknown = at.cause ?? read('originalError')
    if (inner === at) break
    at = inner
  }
  return found
}
