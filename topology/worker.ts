import { parentPort, workerData } from 'node:worker_threads'
import { messageOf, RedwickError } from '../schemas/errors.ts'
import { topicNames } from '../schemas/topics.ts'
import { createCodecs } from './codecs.ts'
import { createCandleEngine, type Opened } from './engine-factory.ts'
import { startedOrStopped } from './engine-host.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import { createLogger } from './logger.ts'
import { withPorts } from './open-ports.ts'
import { startPageRelease } from './page-release.ts'
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

/** What is counted goes to the main thread's registry: there is one page of metrics. */
const metrics: EngineMetrics = {
  alarm: (name) => tell({ kind: 'alarm', name }),
  paused: (change) => tell({ kind: 'paused', change }),
  recovered: () => tell({ kind: 'recovered' }),
  checkpointTook: (seconds) => tell({ kind: 'took', seconds }),
  committed: (partition, nextOffset, counts, finals, reasons) =>
    tell({ kind: 'counted', partition, nextOffset, counts, finals, reasons }),
}

async function runEngine(opened: Opened): Promise<void> {
  const engine = createCandleEngine(opened, metrics)
  engine.failed.catch(tellFailure)
  const positions = (): void =>
    tell({
      kind: 'positions',
      committed: engine.committed(),
      processed: engine.processed(),
      assigned: engine.assigned(),
      standing: engine.standing(),
    })
  const checkpoint = async (request: number): Promise<void> => {
    await engine.checkpointNow()
    positions()
    tell({ kind: 'checkpointed', request })
  }
  const stopping = new Promise<void>((resolve) => {
    port?.on('message', (message: ToWorker) => {
      if (message.kind === 'stop') resolve()
      else checkpoint(message.request).catch(tellFailure)
    })
  })
  const started = engine.start().then(() => tell({ kind: 'started' }))
  await startedOrStopped(opened.clock, started, stopping)
  const endings = [systemClock.every(tellMs, positions), startPageRelease(opened)]
  await stopping
  for (const end of endings) end()
  await engine.stop()
}

async function run(): Promise<void> {
  const log = createLogger({ level, isJson })
  const context = { config, clock: systemClock, log }
  const topics = topicNames(config.TOPIC_PREFIX)
  await withPorts(context, ['broker', 'registry', 'store', 'snapshot'], async (ports) => {
    const codecs = await createCodecs(ports.registry, topics)
    await runEngine({ ...ports, clock: systemClock, log, topics, codecs, topicPrefix: config.TOPIC_PREFIX })
  })
  tell({ kind: 'stopped' })
  port?.close()
}

run().catch(tellFailure)
