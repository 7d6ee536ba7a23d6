import { Client, type ClientConfig } from 'pg'
import { createStageSql, mergeStageSql } from '../sql/commit-sql.ts'
import type { SinkLogger } from '../sql/sql-transport.ts'
import { createCopyQuery } from './copy-query.ts'

const commitSql = `COPY redwick_stage FROM STDIN (FORMAT binary); ${mergeStageSql}`

interface CommitConnection {
  commit(rows: Buffer): Promise<void>
  close(): Promise<void>
}

/**
 * The one connection that commits, with its staging table. After any error it is thrown away, whatever it was, and
 * the next commit makes a new one: what state a failed COPY leaves behind never matters.
 *
 * @param timeoutMs  Longest wait for a commit's answer, and for a connection; then the connection is cut, the outcome unknown.
 */
export function createCommitConnection(config: ClientConfig, timeoutMs: number, log: SinkLogger): CommitConnection {
  let current: Client | undefined

  async function connect(): Promise<Client> {
    const client = new Client(config)
    // Without a listener the loss of an idle connection would end the process.
    client.on('error', (error) => {
      log('debug', 'commit connection lost', { reason: error.message })
      if (current === client) current = undefined
    })
    const timer = setTimeout(() => discard(client), timeoutMs)
    try {
      await client.connect()
      await client.query(`SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'`)
      await client.query(createStageSql)
      return client
    } catch (error) {
      discard(client)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async commit(rows) {
      current ??= await connect()
      const client = current
      const { query, done } = createCopyQuery(commitSql, rows)
      const timer = setTimeout(() => discard(client), timeoutMs)
      try {
        client.query(query)
        await done
      } catch (error) {
        current = undefined
        discard(client)
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {
      const client = current
      current = undefined
      await client?.end()
    },
  }
}

/** Ends a connection without waiting for it; one that is busy is cut. */
function discard(client: Client): void {
  client.end().catch(() => undefined)
}
