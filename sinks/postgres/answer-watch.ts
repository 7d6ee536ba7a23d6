import { Socket } from 'node:net'
import { Client, type ClientConfig } from 'pg'

/** Between looks at what the server does with a statement, and longest wait for one look. */
const lookEveryMs = 2_000
/** Looks in a row that find nothing being done: then the answer is lost. */
const strikesMax = 2

/** Waits for answers as long as the server works on them, and no longer. */
export interface AnswerWatch {
  /**
   * What `work` on this connection comes to. Where the answer is lost the connection is cut, and `work` fails: the
   * outcome is unknown then.
   */
  watched<Result>(client: Client, work: () => Promise<Result>): Promise<Result>
}

export interface AnswerWatchOptions {
  readonly config: ClientConfig
  /** Longest wait in any case. */
  readonly answerMs: number
  readonly lookEveryMs?: number | undefined
  /** An answer was lost: what else is open to the server may be as dead. */
  onLost(): void
}

/**
 * A connection may be dead without a word: a host that vanished, a firewall that forgot it. Waiting for the statement's
 * own time limit would take long, and a shorter limit would end what is merely slow. So the server is asked, on another
 * connection, whether it is at work.
 */
export function createAnswerWatch({
  config,
  answerMs,
  lookEveryMs: everyMs = lookEveryMs,
  onLost,
}: AnswerWatchOptions): AnswerWatch {
  const lookConfig = { ...config, connectionTimeoutMillis: everyMs, query_timeout: everyMs }

  async function isAtWork(pid: number): Promise<boolean> {
    const client = new Client(lookConfig)
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rowCount } = await client.query(
        `SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event IS DISTINCT FROM 'ClientRead'`,
        [pid],
      )
      return rowCount === 1
    } catch {
      return false
    } finally {
      client.end().catch(() => undefined)
    }
  }

  return {
    async watched(client, work) {
      const pid = pidOf(client)
      let [strikes, moved, isOver] = [0, sentBytes(client), false]
      let timer: NodeJS.Timeout | undefined
      const limit = setTimeout(() => cut(client), answerMs)
      const look = async (): Promise<void> => {
        const sent = sentBytes(client)
        const isMoving = sent > moved || (await isAtWork(pid))
        moved = sent
        if (isOver) return
        strikes = isMoving ? 0 : strikes + 1
        if (strikes < strikesMax) return next()
        onLost()
        cut(client)
      }
      const next = (): void => {
        timer = setTimeout(() => void look(), everyMs)
      }
      next()
      try {
        return await work()
      } finally {
        isOver = true
        clearTimeout(timer)
        clearTimeout(limit)
      }
    },
  }
}

/** Ends a connection without waiting for it; one that is busy is cut. */
export function cut(client: Client): void {
  client.end().catch(() => undefined)
}

/** The driver's types leave out the server's number of the connection. */
function pidOf(client: Client): number {
  return Number(Reflect.get(client, 'processID'))
}

/** Bytes that the network has taken: an upload that goes on is no lost answer. */
function sentBytes({ connection: { stream } }: Client): number {
  return stream instanceof Socket ? stream.bytesWritten - stream.writableLength : 0
}
