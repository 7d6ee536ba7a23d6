import { Worker } from 'node:worker_threads'
import { FatalError } from '../schemas/errors.ts'
import type { EngineHost } from './engine-host.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts'

/** An engine in a worker thread, as the main thread sees it. */
export function createWorkerHost(setup: WorkerSetup, metrics: EngineMetrics): EngineHost {
  let worker: Worker | undefined
  let committed: ReadonlyMap<number, number> = new Map()
  let processed: ReadonlyMap<number, number> = new Map()
  let assigned: ReadonlySet<number> = new Set()
  let standing: ReadonlySet<number> = new Set()
  let requests = 0
  const answers = new Map<number, () => void>()
  let onStarted: () => void = () => undefined
  let onStopped: () => void = () => undefined
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  const onMessage = (message: FromWorker): void => {
    switch (message.kind) {
      case 'started':
        onStarted()
        return
      case 'stopped':
        onStopped()
        return
      case 'failed':
        fail(new FatalError(message.error))
        return
      case 'positions':
        committed = message.committed
        processed = message.processed
        assigned = message.assigned
        standing = message.standing
        return
      case 'checkpointed':
        answers.get(message.request)?.()
        answers.delete(message.request)
        return
      case 'alarm':
        metrics.alarm(message.name)
        return
      case 'paused':
        metrics.paused(message.change)
        return
      case 'recovered':
        metrics.recovered()
        return
      case 'took':
        metrics.checkpointTook(message.seconds)
        return
      case 'counted':
        metrics.committed(message.partition, message.nextOffset, message.counts, message.finals, message.reasons)
        return
    }
  }
  const tell = (message: ToWorker): void => worker?.postMessage(message)

  return {
    async start() {
      const made = new Worker(new URL('./worker.ts', import.meta.url), { workerData: setup })
      worker = made
      made.on('message', onMessage)
      made.on('error', fail)
      made.on('exit', (code) => {
        onStopped()
        if (code !== 0) fail(new FatalError({ code: 'WORKER_ENDED', message: `an engine worker ended with ${code}` }))
      })
      const started = new Promise<void>((resolve) => {
        onStarted = resolve
      })
      await Promise.race([started, failed])
    },
    committed: () => committed,
    processed: () => processed,
    assigned: () => assigned,
    standing: () => standing,
    checkpointNow: () =>
      new Promise((resolve) => {
        const request = ++requests
        answers.set(request, resolve)
        tell({ kind: 'checkpoint', request })
      }),
    async stop() {
      if (worker === undefined) return
      const stopped = new Promise<void>((resolve) => {
        onStopped = resolve
      })
      tell({ kind: 'stop' })
      await Promise.race([stopped, failed.catch(() => undefined)])
      await worker.terminate()
    },
    failed,
  }
}
