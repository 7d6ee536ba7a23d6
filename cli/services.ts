import type { Command } from 'commander'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { readConfig } from '../topology/config.ts'
import { createLogger } from '../topology/logger.ts'
import { withPorts } from '../topology/open-ports.ts'
import { systemClock } from '../topology/system-clock.ts'
import { globalFlags } from './global-flags.ts'

/** Log, registry and store of the settings, opened by a command. */
export interface Services {
  readonly topics: TopicNames
  readonly clock: Clock
  readonly broker: Broker
  readonly registry: SchemaRegistry
  readonly store: CandleStore
}

/** Opens them, and closes them after `use`, whatever comes of it. Nothing of the log goes by retention meanwhile. */
export async function withServices<T>(command: Command, use: (services: Services) => Promise<T>): Promise<T> {
  const { logLevel, json: isJson } = globalFlags(command)
  // What opening says by the way (migrations, say) is not what was asked for.
  const level = logLevel === 'info' ? 'warn' : logLevel
  const config = readConfig()
  const context = { config, clock: systemClock, log: createLogger({ level, isJson }) }
  const topics = topicNames(config.TOPIC_PREFIX)
  return withPorts(context, ['broker', 'registry', 'store'], async (ports) => {
    for (const topic of [topics.ticks, topics.history]) await keepAll(ports.broker, topic)
    return use({ ...ports, topics, clock: systemClock })
  })
}

/** Nothing of a topic goes by retention while it is read. */
async function keepAll(broker: Broker, topic: string): Promise<void> {
  if ((await broker.admin.describeTopic(topic)) === undefined) return
  const offsets = await broker.admin.offsets(topic)
  broker.retainFrom(topic, new Map([...offsets].map(([partition, { earliest }]) => [partition, earliest])))
}
