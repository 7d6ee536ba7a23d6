import { Worker } from 'node:worker_threads'
import type { Log } from '../../ports/logger.ts'
import { FatalError, TransientError } from '../../schemas/errors.ts'
import type { SqlRows, SqlTransport } from '../sql/sql-transport.ts'
import { storeError } from '../sql/store-errors.ts'
import {
  openingId,
  type PgliteFailure,
  type PgliteReply,
  type PgliteRequest,
  type PgliteWorkerData,
} from './pglite-messages.ts'

/** Calls that wait for the worker at most; one more is refused. */
const pendingCallsMax = 1024

interface Call {
  resolve(results: readonly SqlRows[]): void
  reject(error: Error): void
}

type Operation = PgliteRequest extends infer Each ? (Each extends PgliteRequest ? Omit<Each, 'id'> : never) : never

interface OpenedPglite {
  readonly transport: SqlTransport
  readonly storeId: string
  readonly worker: Worker
}

/**
 * Starts the worker and opens the database in it. A worker that dies takes every call with it.
 *
 * @param dir      PostgreSQL's data folder; undefined: in memory.
 * @param release  Called once, when the worker has ended.
 */
export function openPglite(dir: string | undefined, log: Log, release: () => Promise<void>): Promise<OpenedPglite> {
  const workerData: PgliteWorkerData = { dir }
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), {
    workerData,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const calls = new Map<number, Call>()
  const opening = deferred<OpenedPglite>()
  const ended = deferred<void>()
  let nextId = openingId + 1
  let dead: TransientError | undefined

  function die(why: string, cause?: unknown): void {
    dead ??= unreachable(why, cause)
    opening.reject(dead)
    for (const call of calls.values()) call.reject(dead)
    calls.clear()
  }

  function call(operation: Operation): Promise<readonly SqlRows[]> {
    if (dead !== undefined) return Promise.reject(dead)
    if (calls.size >= pendingCallsMax)
      return Promise.reject(unreachable(`${pendingCallsMax} calls wait for it already`))
    const id = nextId++
    return new Promise((resolve, reject) => {
      calls.set(id, { resolve, reject })
      worker.postMessage({ ...operation, id })
    })
  }

  const transport: SqlTransport = {
    async query(statement) {
      const [rows = []] = await call({ operation: 'query', statement })
      return rows
    },
    transaction: (statements) => call({ operation: 'transaction', statements }),
    async commit(rows, tables) {
      // Alone in a buffer, because a message takes the whole one along. It is not handed over: a buffer that was
      // detached makes every typed array of this thread slower (docs/decisions/0014).
      const { staged, fresh } = rows
      const own = { staged: new Uint8Array(staged), fresh: fresh && new Uint8Array(fresh) }
      await call({ operation: 'commit', rows: own, tables })
    },
    async close() {
      if (dead === undefined) await call({ operation: 'close' })
      dead ??= unreachable('it was closed')
      await ended.promise
    },
  }

  worker.on('message', (reply: PgliteReply) => {
    if (reply.kind === 'log') return log(reply.level, reply.message, reply.details)
    if (reply.kind === 'opened') return opening.resolve({ transport, storeId: reply.storeId, worker })
    if (reply.kind === 'failed' && reply.id === openingId) return opening.reject(toError(reply.failure))
    const waiting = calls.get(reply.id)
    calls.delete(reply.id)
    if (reply.kind === 'done') waiting?.resolve(reply.results)
    else waiting?.reject(toError(reply.failure))
  })
  worker.on('error', (error) => die('its worker failed', error))
  worker.on('exit', () => {
    die('its worker has ended')
    void release().finally(ended.resolve)
  })
  return opening.promise.catch(async (error: unknown) => {
    // The folder is given up only when nothing has it open any more.
    await worker.terminate()
    await ended.promise
    throw error
  })
}

function unreachable(why: string, cause?: unknown): TransientError {
  return new TransientError({
    code: 'STORE_UNREACHABLE',
    message: 'The embedded candle store does not answer',
    why,
    hint: 'Start Redwick again; what was committed is on disk.',
    cause,
  })
}

function toError(failure: PgliteFailure): Error {
  return failure.fatal === undefined ? storeError(failure) : new FatalError(failure.fatal)
}

interface Deferred<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value): void
  reject(error: Error): void
}

function deferred<Value>(): Deferred<Value> {
  let settle: Omit<Deferred<Value>, 'promise'> = { resolve: () => undefined, reject: () => undefined }
  const promise = new Promise<Value>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, ...settle }
}
