import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import type { TickDecoder } from '../schemas/columns.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { createCandleStage } from './candle-stage.ts'
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

/** The consumer group of the candle topology. */
export const candleGroup = (topicPrefix: string): string => `${topicPrefix}redwick-${candles.name}`

/** An engine of the candle topology, with tables of its own. */
export function createCandleEngine(opened: Opened, metrics: EngineMetrics): Engine {
  const symbols = new Interner()
  const lines = new Interner(linesMax)
  const makeDecoder = (): TickDecoder =>
    createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => opened.registry.schema(id) })
  const stage = createCandleStage({
    ...opened,
    topology: candles,
    groupId: candleGroup(opened.topicPrefix),
    makeDecoder,
    symbols,
    lines,
    encodeEmission: opened.codecs.encodeEmission,
    encodeEpoch: opened.codecs.encodeEpoch,
    historyDecoder: opened.codecs.historyDecoder,
    intervals: Object.values(storedIntervals),
  })
  return createEngine({ ...opened, stage, metrics })
}
