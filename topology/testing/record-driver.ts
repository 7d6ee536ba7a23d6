import { type Duration, durationMs } from '../../processors/operators/duration.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { invariant } from '../../schemas/errors.ts'
import { Interner } from '../../schemas/interner.ts'
import type { TableRow } from '../../schemas/table.ts'
import { composeStage } from '../records/compose.ts'
import type { RecordTopology, StageDeclaration } from '../records/declaration.ts'
import { owedRecords } from '../records/delivery.ts'
import { unpackRecordOutbox } from '../records/owed.ts'
import { createRecordRunner, type PreparedRecords, type RecordRunner } from '../records/record-runner.ts'
import { sourceDecoder } from '../records/source-decoder.ts'
import { createInternalEnd, type EndWriter } from '../records/stage-end.ts'
import { createDrivenSinks } from './driven-sinks.ts'
import { createDrivenStage, type DrivenLate, type DrivenStage, type Place, type StageCounts } from './driven-stage.ts'
import { createInterleaving } from './interleaving.ts'
import { createMemoryLog } from './memory-log.ts'
import {
  type Called,
  createSchemaIds,
  type PartitionCounts,
  type PublishedRecord,
  placeStages,
  readerOf,
  sourceWriter,
} from './record-world.ts'
import { keptBytes } from './state-bytes.ts'
import { pulseTimes } from './wall-clock.ts'

export interface TopologyDriverOptions {
  /** Partitions of every source topic, or of each by its name. Default 4. */
  readonly partitions?: PartitionCounts
  /** The wall clock at the start, epoch ms: append times come from it. Default 1,700,000,000,000. */
  readonly startMs?: number
  /** Whose turn it is among partitions, and how much each takes. Without it: in turn, all there is. */
  readonly seed?: number
  /** Called in place of a callback sink's own function, by its id. */
  readonly callbacks?: Readonly<Record<string, (record: Called) => void>>
}

/** A checkpoint, and what becomes of the process that made it. */
export interface CommitOptions extends Place {
  /** It dies when the commit is durable, before anything of it is published; another takes over. Default false. */
  readonly dies?: boolean
}

/** A topology of records on partitions in memory: no broker, no store, no clock but the one that is moved. */
export interface RecordTopologyDriver {
  /** Names of the stages, upstream before downstream. */
  readonly stages: readonly string[]
  /** The wall clock, epoch ms. */
  readonly now: number
  /**
   * Appends records to a source topic, each to the partition of its key, at the driver's clock, and processes them. A topic
   * of ticks takes control records too. @throws {FatalError} `BAD_RECORD`.
   */
  pipe(topic: string, records: readonly object[]): void
  /** Appends a value as it is, e.g. one that nobody can read. */
  pipeBytes(topic: string, partition: number, value: Uint8Array | null): void
  /** Moves the clock: pulses, processing-time timers, and idleness of partitions that have nothing more. */
  advanceWallClock(duration: Duration): void
  /** Checkpoints, upstream before downstream, then what they owe: what that brings to the next stage is processed. */
  commit(options?: CommitOptions): void
  /** What was not committed is gone; another process takes over, and publishes again what it cannot know to be published. */
  crash(place?: Place): void
  /** Rows as committed, ascending by key. */
  table(name: string): readonly TableRow[]
  /** What was published by a topic sink, in order, repeats included. */
  topic(name: string): readonly PublishedRecord[]
  /** What a callback was called with and did not throw at, in order, repeats included. */
  callbacks(id: string): readonly Called[]
  /** As committed. */
  deadLetters(): readonly DeadLetter[]
  late(): readonly DrivenLate[]
  counts(): readonly StageCounts[]
  /** Names of alarms, in order. */
  alarms(): readonly string[]
  /** How far time is at the end of a stage's partition, epoch ms; -Infinity after a crash, until a record moves it. */
  watermark(stage: string, partition: number): number
  /** Committed bytes that each step keeps beyond those of an empty one, by `stage step`. */
  state(stage?: string): ReadonlyMap<string, number>
  /** Their sum: 0 when nothing is left of any key. */
  stateBytes(stage?: string): number
}

const pulseEveryMs = 100
const startMsDefault = 1_700_000_000_000
const rowsMax = 10_000_000

export function createRecordDriver(
  topology: RecordTopology,
  options: TopologyDriverOptions = {},
): RecordTopologyDriver {
  const interleaving = createInterleaving(options.seed)
  const log = createMemoryLog()
  const ids = createSchemaIds()
  const sinks = createDrivenSinks({ log, ids, callbacks: options.callbacks ?? {} })
  const places = placeStages(topology, options.partitions, log)
  const alarms: string[] = []
  const writers = new Map<string, ReturnType<typeof sourceWriter>>()
  let now = options.startMs ?? startMsDefault

  const placeOf = (stage: string) => places.get(stage) ?? { partitions: 0, inputPartitions: [] }
  for (const { name, source } of topology.stages)
    if (source.kind !== 'internal' && !writers.has(source.topic))
      writers.set(source.topic, sourceWriter(source, placeOf(name).partitions, log, ids))

  const endOf = ({ name, end }: StageDeclaration): EndWriter =>
    end.kind === 'sinks'
      ? sinks.open(end.sinks, placeOf(name).partitions)
      : createInternalEnd(end, end.topic, placeOf(readerOf(topology, end.topic).name).partitions)

  const open = (declaration: StageDeclaration): DrivenStage<RecordRunner> => {
    const { name, source, watermark } = declaration
    const { partitions, inputPartitions } = placeOf(name)
    const writer = endOf(declaration)
    return createDrivenStage<Parameters<RecordRunner['process']>[0], PreparedRecords, RecordRunner>({
      ...{ name, topic: source.topic, partitions, log, interleaving },
      open(checkpoint) {
        const own = { symbols: new Interner(), lines: new Interner() }
        const decoder = sourceDecoder(source, { ...own, fetchSchema: async () => undefined, schemas: ids.schemas })
        const runner = createRecordRunner({
          ...{ declaration, topic: source.topic, partitions, inputPartitions, checkpoint, ...own, end: writer },
          ...{ idleAfterMs: watermark.idleAfterMs, now: () => now, onAlarm: (alarm) => void alarms.push(alarm) },
        })
        return { runner, decoder }
      },
      store({ commit }) {
        const all = { topology: name, topic: source.topic, partitions: [commit] }
        sinks.tables.check(all)
        sinks.tables.apply(all)
      },
      publish(runner, payload) {
        const { owed } = unpackRecordOutbox(payload)
        for (const group of owedRecords(owed, name, runner.partition)) log.append(group.topic, group.records, now)
        for (const one of owed) {
          const why = sinks.deliver(one)
          if (why !== undefined) runner.undeliverable(one, why)
        }
      },
    })
  }
  const stages = topology.stages.map(open)
  const stageOf = (name: string): DrivenStage<RecordRunner> => {
    const found = stages.find((stage) => stage.name === name)
    invariant(found !== undefined, `a stage is one of ${stages.map((stage) => stage.name).join(', ')}, was ${name}`)
    return found
  }
  const drain = (): void => {
    for (const stage of stages) stage.drain()
  }
  const begin = ({ stage }: Place = {}): void => {
    if (stage !== undefined) stageOf(stage)
    sinks.throwRejection()
  }
  const pulse = (): void => {
    for (const { name, topic, runners } of stages) {
      for (const runner of interleaving.order(runners())) {
        runner.pulse(now)
        const isThrough = runner.nextOffset >= log.read(topic, runner.partition).length
        invariant(isThrough, `${name} has processed what its topic holds`)
        if (runner.seemsIdle(now)) runner.setIdle()
      }
    }
  }
  const state = (name?: string): Map<string, number> => {
    const sums = new Map<string, number>()
    for (const declaration of topology.stages) {
      if (name !== undefined && declaration.name !== name) continue
      const stage = stageOf(declaration.name)
      const { partitions, inputPartitions } = placeOf(declaration.name)
      const pipeline = composeStage(declaration)
      for (const partition of stage.partitionsOf({})) {
        const from = { pipeline, partition, partitions, inputPartitions, watermark: declaration.watermark }
        for (const [step, bytes] of keptBytes(from, stage.states(partition))) {
          const key = `${declaration.name} ${step}`
          sums.set(key, (sums.get(key) ?? 0) + bytes)
        }
      }
    }
    return sums
  }

  return {
    stages: topology.stages.map(({ name }) => name),
    get now() {
      return now
    },
    pipe(topic, records) {
      begin()
      const write = writers.get(topic)
      invariant(write !== undefined, `the topology reads ${[...writers.keys()].join(', ')}, was ${topic}`)
      for (const record of records) write(record, now)
      drain()
    },
    pipeBytes(topic, partition, value) {
      begin()
      log.append(topic, [{ partition, key: null, value }], now)
      drain()
    },
    advanceWallClock(duration) {
      begin()
      for (const time of pulseTimes(now, durationMs(duration), pulseEveryMs)) {
        now = time
        pulse()
      }
    },
    commit(place = {}) {
      begin(place)
      for (const stage of stages) {
        for (const partition of interleaving.order(stage.partitionsOf(place))) {
          stage.commit(partition, place.dies === true)
          if (place.dies === true) stage.takeOver(partition)
          if (interleaving.now()) drain()
        }
        drain()
      }
    },
    crash(place = {}) {
      begin(place)
      for (const stage of stages)
        for (const partition of interleaving.order(stage.partitionsOf(place))) stage.takeOver(partition)
      drain()
    },
    table: (name) => sinks.tables.rows(name, { limit: rowsMax }),
    topic: sinks.topic,
    callbacks(id) {
      begin()
      return sinks.callbacks(id)
    },
    deadLetters: () => stages.flatMap((stage) => stage.deadLetters),
    late: () => stages.flatMap((stage) => stage.late),
    counts: () => stages.flatMap((stage) => stage.counts),
    alarms: () => alarms,
    watermark(stage, partition) {
      const runner = stageOf(stage).runners()[partition]
      invariant(runner !== undefined, `${stage} has a partition ${partition}`)
      return runner.watermark
    },
    state,
    stateBytes: (name) => [...state(name).values()].reduce((sum, bytes) => sum + bytes, 0),
  }
}
