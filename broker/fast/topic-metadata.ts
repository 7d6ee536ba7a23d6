import type { Base, ClusterTopicMetadata } from '@platformatic/kafka'
import type { Clock } from '../../ports/clock.ts'
import { FatalError } from '../../schemas/errors.ts'
import { unknownTopic } from '../broker-errors.ts'
import { asked } from './client-errors.ts'

/** A topic that was just made is not known to each broker at once. */
const unknownTriesMax = 5
const unknownMs = 200

export interface TopicMetadataOptions {
  readonly base: Base
  readonly brokers: readonly string[]
  readonly clock: Pick<Clock, 'sleep'>
  readonly topic: string
  /** Asks the cluster; otherwise what it said last will do. */
  readonly isAnew: boolean
}

/**
 * What the cluster says of a topic.
 *
 * @throws {TransientError} No broker says it.
 * @throws {FatalError} `UNKNOWN_TOPIC`, after a second.
 */
export async function topicMetadata(options: TopicMetadataOptions): Promise<ClusterTopicMetadata> {
  const { base, brokers, clock, topic } = options
  for (let tries = 1; ; tries++) {
    try {
      const forceUpdate = options.isAnew || tries > 1
      const { topics } = await asked(brokers, base.metadata({ topics: [topic], forceUpdate }), topic)
      const found = topics.get(topic)
      if (found === undefined) throw unknownTopic(topic)
      return found
    } catch (error) {
      const isUnknown = error instanceof FatalError && error.code === 'UNKNOWN_TOPIC'
      if (!isUnknown || tries === unknownTriesMax) throw error
    }
    await clock.sleep(unknownMs)
  }
}
