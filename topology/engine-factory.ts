import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { candles } from './candles.ts'
import type { Codecs } from './codecs.ts'
import { createEngine, type Engine } from './engine.ts'
import type { EngineMetrics } from './engine-metrics.ts'

const linesMax = 10_000

/** What an engine stands on, opened. */
export interface Opened {
  readonly clock: Clock
  readonly log: Log
  readonly topics: TopicNames
  readonly broker: Broker
  readonly registry: SchemaRegistry
  readonly store: CandleStore
  readonly snapshot: Snapshot
  readonly codecs: Codecs
  readonly topicPrefix: string
}

/** An engine of the candle topology, with tables of its own. */
export function createCandleEngine(opened: Opened, metrics: EngineMetrics): Engine {
  const symbols = new Interner()
  const lines = new Interner(linesMax)
  return createEngine({
    ...opened,
    topology: candles,
    groupId: `${opened.topicPrefix}redwick-${candles.name}`,
    metrics,
    decoder: createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => opened.registry.schema(id) }),
    symbols,
    lines,
    encodeEmission: opened.codecs.encodeEmission,
    encodeEpoch: opened.codecs.encodeEpoch,
    intervals: Object.values(storedIntervals),
  })
}
