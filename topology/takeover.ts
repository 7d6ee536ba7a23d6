import type { Broker } from '../ports/broker.ts'
import type { CandleStore, PartitionCheckpoint, TopicIdentity } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import { FatalError } from '../schemas/errors.ts'
import type { TopicNames } from '../schemas/topics.ts'
import type { CommitPublisher } from './commit-publisher.ts'
import type { ChannelPosition, EmissionPublisher, PublishedEmissions } from './emission-publisher.ts'
import { unpackOutbox } from './outbox.ts'
import type { Topology } from './topology.ts'

export interface TakeoverOptions {
  readonly partition: number
  readonly identity: TopicIdentity
  readonly topology: Topology
  readonly broker: Pick<Broker, 'sync'>
  readonly topics: TopicNames
  readonly store: CandleStore
  readonly commits: CommitPublisher
  readonly publisher: EmissionPublisher
  readonly clock: Clock
}

export interface TakenOver extends PartitionCheckpoint {
  /** Offset of the `epoch` record in `candles.live`. */
  readonly epochOffset: number
  /** Where the channels stand that the old owner still owed something. */
  readonly republished: PublishedEmissions
}

/**
 * Makes this process the owner of a partition, in the one order that is safe: fence the old owner at the broker, fence it
 * at the store and read what it committed, say so on `candles.live`, publish what it still owed.
 */
export async function takeOverPartition(options: TakeoverOptions): Promise<TakenOver> {
  const { partition, identity, topology, store, commits, publisher, clock, broker, topics } = options
  await commits.takeOver(partition)
  const [checkpoint] = await store.takeover(topology.name, identity, [partition], clock.now())
  if (checkpoint === undefined)
    throw new FatalError({ code: 'NO_CHECKPOINT', message: `the store has no answer for partition ${partition}` })
  const epochOffset = await publisher.startEpoch(partition, checkpoint.epoch)
  const channels = new Map<string, ChannelPosition>()
  let lastOffset = epochOffset
  for (const { payload } of checkpoint.outbox) {
    const outbox = unpackOutbox(payload)
    await commits.publish(partition, checkpoint.epoch, outbox)
    const sent = await publisher.publish(partition, outbox.finals)
    for (const channel of sent.channels) channels.set(`${channel.symbol}|${channel.interval}`, channel)
    lastOffset = Math.max(lastOffset, sent.lastOffset)
  }
  if (checkpoint.outbox.length > 0) {
    await broker.sync(topics.candles)
    await broker.sync(topics.deadLetters)
  }
  return { ...checkpoint, epochOffset, republished: { channels: [...channels.values()], lastOffset } }
}
