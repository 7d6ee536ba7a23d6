import { Registry } from 'prom-client'
import { map } from 'rxjs'
import { expect, it } from 'vitest'
import { createEmbeddedBroker } from '../../broker/embedded/embedded-broker.ts'
import type { Flow } from '../../processors/core/stream-element.ts'
import { tap } from '../../processors/operators/tap.ts'
import { createEmbeddedRegistry } from '../../registry/embedded-registry.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { createMemoryStore } from '../../test/memory-store.ts'
import { committedThrough, requireMoving } from '../engine-host.ts'
import { createEngineMetrics } from '../engine-metrics.ts'
import { type PageView, viewAvro } from '../examples/views.ts'
import { topic } from '../sources.ts'
import { systemClock } from '../system-clock.ts'
import { topology } from '../topology.ts'
import { openTopology } from './open-topology.ts'
import { createRecordPublisher } from './record-publisher.ts'
import { toTopic } from './sinks.ts'

const pageIn = (partition: number): string =>
  Array.from({ length: 100 }, (_, i) => `/p${i}`).find((page) => partitionOfKey(page, 2) === partition) ?? ''

it('an operator of RxJS that throws in a topology of records costs its partition, and the others go on', async () => {
  const bad = pageIn(1)
  const views = topology('paused-views', {
    source: topic('views', { schema: viewAvro, key: 'page', eventTime: 'at' }),
    watermark: { outOfOrderness: '1s', idleAfter: '1s', futureBound: '60s' },
  })
    .pipe(
      tap(() => undefined),
      map((element: Flow<PageView>) => {
        if (element.kind === 'rows' && element.rows.key === bad) throw new Error('faulty')
        return element
      }),
    )
    .to(toTopic('seen-views', { schema: viewAvro, partitions: 2, value: (view: PageView) => view }))
  const broker = createEmbeddedBroker({ clock: systemClock })
  const told: [string, Record<string, unknown>][] = []
  const platform = {
    ...{ broker, registry: await createEmbeddedRegistry(), store: createMemoryStore(() => 'ok') },
    ...{ clock: systemClock, prefix: 't.' },
    log: (level: string, message: string, details: Record<string, unknown> = {}) => {
      if (level === 'error') told.push([message, details])
    },
  }
  const publisher = await createRecordPublisher(platform, {
    ...{ topic: 'views', partitions: 2, schema: viewAvro },
    key: (view: PageView) => view.page,
  })
  const registry = new Registry()
  const stages = await openTopology({
    ...{ ...platform, topology: views, metricsOf: () => createEngineMetrics(registry) },
  })
  const engines = stages.map(({ engine }) => engine)
  for (const engine of engines) await engine.start()
  const at = Date.now()
  await publisher.send([bad, pageIn(0)].map((page) => ({ page, user: 'u', at, ms: 1 })))
  const targets = new Map([
    [0, 1],
    [1, 1],
  ])
  await Promise.race([
    committedThrough(engines, targets, systemClock, AbortSignal.timeout(10_000)),
    ...engines.map((engine) => engine.failed),
  ])
  expect([...(engines[0]?.committed() ?? [])].sort()).toEqual([
    [0, 1],
    [1, 0],
  ])
  expect(() => requireMoving(engines)).toThrow('partition 1 stands still')
  expect(told).toMatchObject([['the partition stands still', { partition: 1, offset: 0 }]])
  expect(await registry.getSingleMetricAsString('redwick_partitions_paused')).toMatch(/ 1$/m)
  for (const engine of engines) await engine.stop()
  await broker.close()
})
