import type { OffsetRange } from '../ports/broker.ts'
import { FatalError, FencedError, TransientError } from '../schemas/errors.ts'

/** A place to read from that the log does not hold: never a silent jump. */
export function offsetOutOfRange(topic: string, partition: number, offset: number, range: OffsetRange): FatalError {
  return new FatalError({
    code: 'OFFSET_OUT_OF_RANGE',
    message: `${topic}/${partition} cannot be read from offset ${offset}: it holds ${range.earliest} to ${range.latest}`,
    why:
      offset < range.earliest
        ? 'the records from there on were deleted by retention, or the topic was made anew'
        : 'the topic lost records or was made anew',
    hint: 'give the topic its records back, or start with an empty store: what is left of the log is then read from its start',
  })
}

/** The log lost records that were read already: an unclean election of a leader, say. */
export function logTruncated(topic: string, partition: number, offset: number, endOffset: number): FatalError {
  return new FatalError({
    code: 'LOG_TRUNCATED',
    message: `${topic}/${partition} was read to offset ${offset}, and then cut at ${endOffset}`,
    why: 'a leader was elected that had not all of its records',
    hint: 'start with an empty store, or restore the topic: what was made of the lost records cannot be taken back',
  })
}

export function partitionRefused(topic: string, partition: number, errorCode: number): FatalError {
  return new FatalError({
    code: 'BROKER_REFUSED',
    message: `the broker refuses to let ${topic}/${partition} be read: error ${errorCode} of its protocol`,
  })
}

export function unknownTopic(topic: string): FatalError {
  return new FatalError({
    code: 'UNKNOWN_TOPIC',
    message: `topic '${topic}' is not there`,
    hint: 'create it first: npm run topology does',
  })
}

export function unknownPartition(topic: string, partition: number, count: number): FatalError {
  return new FatalError({
    code: 'UNKNOWN_PARTITION',
    message: `topic '${topic}' has partitions 0 to ${count - 1}, not ${partition}`,
  })
}

export function producerFenced(transactionalId: string, cause?: unknown): FencedError {
  return new FencedError({
    code: 'PRODUCER_FENCED',
    message: `a later producer with the transactional id '${transactionalId}' exists`,
    why: 'another process has taken this work over',
    cause,
  })
}

export function brokerClosed(): TransientError {
  return new TransientError({ code: 'BROKER_CLOSED', message: 'the broker was closed' })
}

export function notAssigned(topic: string, partition: number): FatalError {
  return new FatalError({
    code: 'NO_START_OFFSET',
    message: `the handler gave no offset to start ${topic}/${partition} at`,
  })
}
