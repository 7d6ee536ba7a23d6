import type { Broker, TopicSpec } from '../ports/broker.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import type { TopicNames } from '../schemas/topics.ts'

const liveRetentionMs = 600_000

/**
 * Makes the topics that are missing; an existing one keeps its partition count.
 *
 * @returns Partitions of `ticks`.
 * @throws {FatalError} `TOPIC_CONFIG` when `ticks` does not carry the broker's append time.
 */
export async function ensureTopics({ admin }: Broker, names: TopicNames, partitionsWanted: number): Promise<number> {
  // Asked for once: at most starts all of them are there.
  const known = new Set(await admin.listTopics())
  const ensure = async (spec: TopicSpec): Promise<void> => {
    if (!known.has(spec.topic)) await admin.createTopic(spec)
  }
  await ensure({
    topic: names.ticks,
    partitions: partitionsWanted,
    config: { 'message.timestamp.type': 'LogAppendTime' },
  })
  const ticks = await admin.describeTopic(names.ticks)
  if (ticks?.config['message.timestamp.type'] !== 'LogAppendTime') {
    throw new FatalError({
      code: 'TOPIC_CONFIG',
      message: `topic ${names.ticks} does not carry the broker's append time`,
      why: `message.timestamp.type is ${ticks?.config['message.timestamp.type'] ?? 'unknown'}; the guard against future event times needs LogAppendTime`,
      hint: `set message.timestamp.type=LogAppendTime on ${names.ticks}`,
      exitCode: exitCodes.config,
    })
  }
  const { partitions } = ticks
  await ensure({ topic: names.history, partitions })
  await requireHistory(admin, names.history, partitions)
  await ensure({
    topic: names.candlesLive,
    partitions,
    config: { 'cleanup.policy': 'delete', 'retention.ms': String(liveRetentionMs) },
  })
  await ensure({ topic: names.candles, partitions, config: { 'cleanup.policy': 'compact' } })
  await ensure({ topic: names.deadLetters, partitions })
  return partitions
}

/** @throws {FatalError} `TOPIC_CONFIG` when segments would lie in other partitions than the ticks of their symbols. */
async function requireHistory(admin: Broker['admin'], topic: string, partitions: number): Promise<void> {
  const found = (await admin.describeTopic(topic))?.partitions
  if (found === partitions) return
  throw new FatalError({
    code: 'TOPIC_CONFIG',
    message: `topic ${topic} has ${found ?? 'no'} partitions, ticks has ${partitions}`,
    why: 'a segment lies in the partition of its symbol, of as many as ticks has',
    hint: `delete ${topic}, or give it ${partitions} partitions; history can be fetched again`,
    exitCode: exitCodes.config,
  })
}
