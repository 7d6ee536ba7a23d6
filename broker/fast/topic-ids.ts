import { Base } from '@platformatic/kafka'
import type { Clock } from '../../ports/clock.ts'
import { clientOptions } from './client-options.ts'
import { topicMetadata } from './topic-metadata.ts'

/** Tells one incarnation of a topic from another; kafkajs cannot. */
export interface TopicIds {
  /** Null where the broker has no ids for topics. @throws {FatalError} `UNKNOWN_TOPIC`. */
  idOf(topic: string): Promise<string | null>
  close(): Promise<void>
}

/** Connects when it is asked first. */
export function createTopicIds(brokers: readonly string[], clientId: string, clock: Clock): TopicIds {
  let base: Base | undefined
  return {
    async idOf(topic) {
      base ??= new Base(clientOptions(brokers, clientId))
      const { id } = await topicMetadata({ base, brokers, clock, topic, isAnew: true })
      // Where answers hold no ids the client puts the name in their place.
      return id === topic ? null : id
    },
    close: async () => base?.close(),
  }
}
