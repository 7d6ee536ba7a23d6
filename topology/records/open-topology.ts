import type { Broker } from '../../ports/broker.ts'
import type { CandleStore } from '../../ports/candle-store.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/logger.ts'
import type { SchemaRegistry } from '../../ports/schema-registry.ts'
import type { Flag } from '../../processors/core/stream-record.ts'
import { exitCodes, FatalError } from '../../schemas/errors.ts'
import { createEngine, type Engine, type EngineLimits } from '../engine.ts'
import type { EngineMetrics } from '../engine-metrics.ts'
import { deadLettersId, internalTopic } from './checks.ts'
import type { RecordTopology, StageDeclaration } from './declaration.ts'
import { internalPartitions } from './partition-counts.ts'
import { createRecordStage } from './record-stage.ts'
import { createRetention } from './retention.ts'
import type { RecordSink, TopicSink } from './sinks.ts'
import { createInternalEnd, createSinksEnd, type EndWriter, type OpenTopic, openTopicSink } from './stage-end.ts'

/** What a topology of records stands on, opened. */
export interface RecordPlatform {
  readonly broker: Broker
  readonly store: CandleStore
  readonly registry: SchemaRegistry
  readonly clock: Clock
  readonly log: Log
  /** Before the names of topics, groups and transactions. */
  readonly prefix: string
}

/** One stage with its engine. */
export interface OpenStage {
  readonly declaration: StageDeclaration
  readonly topic: string
  readonly engine: Engine
}

export interface OpenTopologyOptions extends RecordPlatform {
  readonly topology: RecordTopology
  /** Of the stage of this name. */
  metricsOf(stage: string): EngineMetrics
  readonly limits?: Partial<EngineLimits>
}

const appendTime = { 'message.timestamp.type': 'LogAppendTime' }

async function partitionsOf({ admin }: Broker, topic: string): Promise<number> {
  const description = await admin.describeTopic(topic)
  if (description !== undefined) return description.partitions
  throw new FatalError({
    code: 'NO_TOPIC',
    message: `there is no topic ${topic}`,
    why: 'a topology reads it, and does not make it',
    hint: 'start what writes to it first',
    exitCode: exitCodes.dependency,
  })
}

/** Makes a topic that carries the broker's append time, where it is missing. @returns Its partitions. */
export async function ensureTopic(broker: Broker, topic: string, partitions: number): Promise<number> {
  await broker.admin.createTopic({ topic, partitions, config: appendTime })
  return partitionsOf(broker, topic)
}

interface Resolved {
  readonly topic: string
  readonly partitions: number
  /** Of the stages that write to an internal topic. */
  readonly inputPartitions: readonly number[]
}

/** Finds or makes what each stage reads, upstream before downstream. */
async function resolveSources({
  topology,
  broker,
  prefix,
}: OpenTopologyOptions): Promise<ReadonlyMap<string, Resolved>> {
  const resolved = new Map<string, Resolved>()
  for (const { name, source } of topology.stages) {
    const topic = `${prefix}${source.topic}`
    if (source.kind !== 'internal') {
      resolved.set(name, { topic, partitions: await partitionsOf(broker, topic), inputPartitions: [] })
      continue
    }
    const inputs = source.inputs.map((input) => {
      const found = resolved.get(input)
      return [found?.topic ?? input, found?.partitions ?? 0] as const
    })
    const partitions = await ensureTopic(broker, topic, internalPartitions(source, inputs))
    resolved.set(name, { topic, partitions, inputPartitions: inputs.map(([, count]) => count) })
  }
  return resolved
}

async function openTopic(
  { broker, registry, prefix }: RecordPlatform,
  sink: TopicSink<never, Flag>,
  stagePartitions: number,
): Promise<OpenTopic> {
  const topic = `${prefix}${sink.name}`
  const partitions = await ensureTopic(broker, topic, sink.partitions ?? stagePartitions)
  return openTopicSink(sink, topic, partitions, await registry.register(`${topic}-value`, sink.schema))
}

async function openSinks(
  platform: RecordPlatform,
  sinks: readonly RecordSink<never>[],
  partitions: number,
): Promise<EndWriter> {
  // By sink: two may write to one topic, each its own values.
  const topics = new Map<RecordSink<never>, OpenTopic>()
  for (const sink of sinks) {
    if (sink.sink === 'topic') topics.set(sink, await openTopic(platform, sink, partitions))
    if (sink.sink === 'table') await platform.store.ensureTable(sink.spec)
  }
  return createSinksEnd(sinks, topics)
}

/**
 * Makes a topology ready to run: its topics and tables, and an engine for each stage.
 *
 * @throws {FatalError} `NO_TOPIC`, `PARTITION_COUNTS`, `BAD_TABLE`, `TABLE_DIFFERS`, `SCHEMA_INCOMPATIBLE`.
 */
export async function openTopology(options: OpenTopologyOptions): Promise<OpenStage[]> {
  const { topology, broker, prefix, limits } = options
  const resolved = await resolveSources(options)
  const most = Math.max(...[...resolved.values()].map(({ partitions }) => partitions))
  const deadLetters = `${prefix}${internalTopic(topology.name, deadLettersId)}`
  const deadLetterPartitions = await ensureTopic(broker, deadLetters, most)
  const readers = new Map<string, string[]>()
  for (const [name, { topic }] of resolved) readers.set(topic, [...(readers.get(topic) ?? []), name])
  const retention = createRetention((topic, offsets) => broker.retainFrom(topic, offsets), readers)
  const open: OpenStage[] = []
  for (const declaration of topology.stages) {
    const { name, end } = declaration
    const { topic, partitions, inputPartitions } = resolved.get(name) as Resolved
    const target = topology.stages.find(({ source }) => end.kind === 'internal' && source.topic === end.topic)
    const writer =
      end.kind === 'internal'
        ? createInternalEnd(end, `${prefix}${end.topic}`, resolved.get(target?.name ?? '')?.partitions ?? partitions)
        : await openSinks(options, end.sinks, partitions)
    const stage = createRecordStage({
      ...{ ...options, declaration, topic, inputPartitions, end: writer },
      deadLetters: { topic: deadLetters, partitions: deadLetterPartitions },
    })
    const engine = createEngine({
      ...options,
      broker: { ...broker, retainFrom: retention(name) },
      stage,
      metrics: options.metricsOf(name),
      ...(limits === undefined ? {} : { limits }),
    })
    open.push({ declaration, topic, engine })
  }
  return open
}
