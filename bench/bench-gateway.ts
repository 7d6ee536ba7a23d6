import { Registry } from 'prom-client'
import { createGateway, type Gateway } from '../gateway/gateway.ts'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { topicNames } from '../schemas/topics.ts'
import type { Codecs } from '../topology/codecs.ts'
import { systemClock } from '../topology/system-clock.ts'

export interface BenchGatewayOptions {
  readonly broker: Broker
  readonly store: CandleStore
  readonly snapshot: Snapshot
  readonly codecs: Codecs
}

/** A gateway on a free port of this host, over what the bench gives it. */
export function openBenchGateway({ codecs, ...ports }: BenchGatewayOptions): Promise<Gateway> {
  return createGateway({
    ...ports,
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    topics: topicNames(),
    decode: codecs.decodeLive,
    metrics: new Registry(),
    describe: { json: () => ({}), mermaid: () => '', dot: () => '' },
    health: async () => ({}),
    logger: () => undefined,
  })
}
