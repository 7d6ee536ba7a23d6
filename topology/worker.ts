import { parentPort, workerData } from 'node:worker_threads'
import { Registry } from 'prom-client'
import { messageOf, RedwickError } from '../schemas/errors.ts'
import { topicNames } from '../schemas/topics.ts'
import { openBroker, openRegistry, openSnapshot, openStore } from './adapters.ts'
import { createCodecs } from './codecs.ts'
import { createCandleEngine } from './engine-factory.ts'
import { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts'
import { createLogger } from './logger.ts'
import { systemClock } from './system-clock.ts'
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts'

// One engine in a thread of its own: a member of the group like any other, with connections of its own.

const tellMs = 100
const port = parentPort
if (port === null) throw new Error('this file runs in a worker thread')
const { config, level, isJson } = workerData as WorkerSetup
const tell = (message: FromWorker): void => port.postMessage(message)

function tellFailure(error: unknown): void {
  const known = error instanceof RedwickError ? error : undefined
  tell({
    kind: 'failed',
    error: {
      code: known?.code ?? 'INTERNAL',
      message: messageOf(error),
      why: known?.why ?? '',
      hint: known?.hint ?? '',
      exitCode: known?.exitCode ?? 1,
    },
  })
}

/** Counts of a commit go to the main thread's registry: there is one page of metrics. */
function forwarding(metrics: EngineMetrics): EngineMetrics {
  return {
    ...metrics,
    alarm: (name) => tell({ kind: 'alarm', name }),
    paused: (change) => tell({ kind: 'paused', change }),
    committed: (partition, nextOffset, counts, finals, reasons) =>
      tell({ kind: 'counted', partition, nextOffset, counts, finals, reasons }),
  }
}

async function run(): Promise<void> {
  const log = createLogger({ level, isJson })
  const context = { config, clock: systemClock, log }
  const topics = topicNames(config.TOPIC_PREFIX)
  const [broker, registry, store, snapshot] = await Promise.all([
    openBroker(context),
    openRegistry(context),
    openStore(context),
    openSnapshot(context),
  ])
  const codecs = await createCodecs(registry, topics)
  const opened = {
    clock: systemClock,
    log,
    topics,
    broker,
    registry,
    store,
    snapshot,
    codecs,
    topicPrefix: config.TOPIC_PREFIX,
  }
  const engine = createCandleEngine(opened, forwarding(createEngineMetrics(new Registry())))
  engine.failed.catch(tellFailure)
  const positions = (): void =>
    tell({
      kind: 'positions',
      committed: engine.committed(),
      processed: engine.processed(),
      standing: engine.standing(),
    })
  const cancel = systemClock.every(tellMs, positions)
  const stop = async (): Promise<void> => {
    cancel()
    await engine.stop()
    for (const opened of [snapshot, store, registry, broker]) await opened.close()
    tell({ kind: 'stopped' })
    port?.close()
  }
  port?.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') stop().catch(tellFailure)
    else
      engine
        .checkpointNow()
        .then(() => {
          positions()
          tell({ kind: 'checkpointed', request: message.request })
        })
        .catch(tellFailure)
  })
  await engine.start()
  tell({ kind: 'started' })
}

run().catch(tellFailure)
