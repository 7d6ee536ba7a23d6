import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import type { TopicNames } from '../schemas/topics.ts'

export interface RepartitionOptions {
  readonly broker: Broker
  readonly store: CandleStore
  readonly topics: TopicNames
  /** Name of the topology that reads `ticks`. */
  readonly topology: string
}

export interface Repartitioned {
  /** Partitions of `ticks` before and after. */
  readonly from: number
  readonly to: number
}

const refused = (why: string, hint: string): FatalError =>
  new FatalError({
    code: 'NOT_REPARTITIONED',
    message: 'the topics keep their partitions: nothing was changed',
    why,
    hint,
    exitCode: exitCodes.config,
  })

/** @returns The next offset of each partition, which is the end of its log. */
async function drainedOffsets(
  { broker, store, topics, topology }: RepartitionOptions,
  partitions: number,
): Promise<ReadonlyMap<number, number>> {
  const ends = await broker.admin.offsets(topics.ticks)
  const positions = new Map(
    (await store.positions(topology)).map(({ partition, nextOffset }) => [partition, nextOffset]),
  )
  const behind: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const [end, position] = [ends.get(partition)?.latest ?? 0, positions.get(partition) ?? 0]
    if (position !== end) behind.push(`partition ${partition} stands at ${position} of ${end}`)
  }
  if (behind.length > 0)
    throw refused(
      `not all of the log is committed: ${behind.join(', ')}`,
      'stop the feeds, let the engines commit what there is, stop them, and run it again',
    )
  return positions
}

/**
 * Gives `ticks`, and every topic beside it, more partitions, and each new one the state of its keys. Nothing may run
 * meanwhile. What was cut off is done by the next run.
 *
 * @param to A multiple of the partitions of now: the keys of a new partition then come from one alone.
 * @throws {FatalError} `NOT_REPARTITIONED` and why; nothing was changed.
 */
export async function repartition(options: RepartitionOptions, to: number): Promise<Repartitioned> {
  const { broker, store, topics, topology } = options
  const { admin } = broker
  const known = (await store.committedTopics(topology)).find(({ topic }) => topic === topics.ticks)
  const ticks = await admin.describeTopic(topics.ticks)
  if (known === undefined || ticks === undefined)
    throw refused(`nothing was read of ${topics.ticks} yet`, 'set TICKS_PARTITIONS: it is made with as many')
  const from = known.partitions
  if (to < from || to % from !== 0)
    throw refused(
      `${to} is no multiple of ${from}, the partitions of ${topics.ticks}`,
      `npm run repartition -- --partitions ${2 * from}`,
    )
  if (ticks.partitions > to)
    throw refused(`${topics.ticks} has ${ticks.partitions} partitions already`, 'give it as many, or a multiple')
  if (from < to)
    await store.repartition(topology, { topic: topics.ticks, from, to, offsets: await drainedOffsets(options, from) })
  for (const topic of [topics.ticks, topics.history, topics.candlesLive, topics.candles, topics.deadLetters])
    if ((await admin.describeTopic(topic)) !== undefined) await admin.growTopic(topic, to)
  return { from, to }
}
