import { Registry } from 'prom-client'
import type { Snapshot } from '../../ports/snapshot.ts'
import { TransientError } from '../../schemas/errors.ts'
import { Interner } from '../../schemas/interner.ts'
import { createTickColumnDecoder } from '../../schemas/tick-column-decoder.ts'
import type { TopicNames } from '../../schemas/topics.ts'
import { createCandleStage } from '../../topology/candle-stage.ts'
import type { Topology } from '../../topology/candle-topology.ts'
import type { Codecs } from '../../topology/codecs.ts'
import { createEngine, type Engine } from '../../topology/engine.ts'
import { createEngineMetrics } from '../../topology/engine-metrics.ts'
import type { MemoryDatabase } from '../memory-store.ts'
import { type Mutant, offMarker, publishingFirst, withoutDedupeState } from './mutants.ts'
import { createSimBroker } from './sim-broker.ts'
import { createSimStore, type SimStoreServer } from './sim-store.ts'
import type { SimSurroundings } from './sim-surroundings.ts'
import { simulatedIntervals } from './sim-topology.ts'

export interface SimEngineOptions extends SimSurroundings {
  readonly topology: Topology
  readonly topics: TopicNames
  fetchSchema(id: number): Promise<object | undefined>
  readonly codecs: Codecs
  readonly database: MemoryDatabase
  readonly server: SimStoreServer
  readonly snapshot: Snapshot
  readonly mutant: Mutant | undefined
  random(): number
  log(what: string): void
}

/** Each commit costs a world a millisecond; a cadence of 2 s is one of those that a busy store leads to. */
const commitEveryMs = 2000
/** Of a batch: small, so that batches are cut. */
const rowsMax = 16

/** Shared by all processes, as Redis is. */
function reached(snapshot: Snapshot, { process, time, conditions }: SimSurroundings): Snapshot {
  return {
    ...snapshot,
    write: (partition, position, channels) =>
      process.call('snapshot', async () => {
        await time.sleep(conditions.latencyMs())
        if (!conditions.isSnapshotUp)
          throw new TransientError({ code: 'SNAPSHOT_UNREACHABLE', message: 'the snapshot store was made to fail' })
        await snapshot.write(partition, position, channels)
      }),
  }
}

/** The real engine in a process of the simulation. */
export function createSimEngine(options: SimEngineOptions): Engine {
  const { process, topics, fetchSchema, codecs, mutant, cluster } = options
  const [symbols, lines] = [new Interner(), new Interner()]
  const common = {
    broker: createSimBroker(options),
    store: createSimStore(options),
    clock: process.clock,
    log: (_level: string, what: string, fields: object = {}) => options.log(`${what} ${JSON.stringify(fields)}`),
  }
  const latest = (partition: number): number => cluster.find(topics.history).partitions[partition]?.range.latest ?? 0
  const makeDecoder = () => {
    const decoder = createTickColumnDecoder({ symbols, lines, fetchSchema, rowsMax, compile: false })
    return mutant === 'history-off-marker' ? offMarker(decoder, latest) : decoder
  }
  const stage = createCandleStage({
    ...common,
    topology: mutant === 'lost-dedupe-state' ? withoutDedupeState(options.topology) : options.topology,
    ...{ topics, groupId: 'g', snapshot: reached(options.snapshot, options), makeDecoder, symbols, lines },
    encodeEmission: codecs.encodeEmission,
    encodeEpoch: codecs.encodeEpoch,
    historyDecoder: codecs.historyDecoder,
    intervals: simulatedIntervals,
  })
  return createEngine({
    ...common,
    stage: mutant === 'publish-before-commit' ? publishingFirst(stage) : stage,
    metrics: createEngineMetrics(new Registry()),
    random: options.random,
    limits: { commitEveryMs },
  })
}
