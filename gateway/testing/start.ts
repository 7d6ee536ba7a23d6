import { Registry } from 'prom-client'
import { topicNames } from '../../schemas/topics.ts'
import { createGateway, type Gateway, type GatewayOptions } from '../gateway.ts'
import {
  type FakeLog,
  type FakeSnapshot,
  type FakeStore,
  fakeLog,
  fakeSnapshot,
  fakeStore,
  realClock,
} from './fakes.ts'

export interface TestGateway {
  readonly gateway: Gateway
  readonly log: FakeLog
  readonly store: FakeStore
  readonly snapshot: FakeSnapshot
}

/** A gateway on a free port, on fakes. */
export async function startTestGateway(
  options: Partial<GatewayOptions> = {},
  fakes: { readonly log?: FakeLog; readonly store?: FakeStore; readonly snapshot?: FakeSnapshot } = {},
): Promise<TestGateway> {
  const log = fakes.log ?? fakeLog(1, Date.now())
  const store = fakes.store ?? fakeStore()
  const snapshot = fakes.snapshot ?? fakeSnapshot()
  const gateway = await createGateway({
    host: '127.0.0.1',
    port: 0,
    clock: realClock,
    broker: log.broker,
    store: store.store,
    snapshot: snapshot.snapshot,
    topics: topicNames(),
    decode: log.decode,
    metrics: new Registry(),
    describe: { json: () => ({ name: 'candles' }), mermaid: () => 'flowchart LR', dot: () => 'digraph {}' },
    health: async () => ({ store: { status: 'up' } }),
    logger: () => undefined,
    random: () => 0,
    ...options,
  })
  return { gateway, log, store, snapshot }
}
