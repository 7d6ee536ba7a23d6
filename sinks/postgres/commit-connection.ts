import { Client, type ClientConfig } from 'pg'
import type { Log } from '../../ports/logger.ts'
import type { TableSpec } from '../../schemas/table.ts'
import { copyFreshSql, copyStageSql, createStageSql, mergeSql } from '../sql/commit-sql.ts'
import type { CommitRows } from '../sql/sql-transport.ts'
import { type AnswerWatch, cut } from './answer-watch.ts'
import { createCopyQuery } from './copy-query.ts'

interface CommitConnection {
  /** One at a time. */
  commit(rows: CommitRows, tables: readonly TableSpec[]): Promise<void>
  /** The connection, where no commit is on it, may be dead: the next commit makes a new one. */
  renew(): void
  close(): Promise<void>
}

/**
 * The one connection that commits, with its staging table. After any error it is thrown away, whatever it was, and
 * the next commit makes a new one: what state a failed COPY leaves behind never matters.
 */
export function createCommitConnection(config: ClientConfig, watch: AnswerWatch, log: Log): CommitConnection {
  let current: Client | undefined

  async function connect(): Promise<Client> {
    const client = new Client(config)
    // Without a listener the loss of an idle connection would end the process.
    client.on('error', (error) => {
      log('debug', 'commit connection lost', { reason: error.message })
      if (current === client) current = undefined
    })
    try {
      await client.connect()
      await watch.watched(client, async () => {
        await client.query(`SELECT set_config('synchronous_commit', 'on', false)
          WHERE current_setting('synchronous_commit') = 'off'`)
        await client.query(createStageSql)
      })
      return client
    } catch (error) {
      cut(client)
      throw error
    }
  }

  return {
    async commit(rows, tables) {
      const client = current ?? (await connect())
      current = undefined // in use: not to be renewed
      const { fresh, staged } = rows
      const copies = fresh === undefined ? [staged] : [fresh, staged]
      const copyFresh = fresh === undefined ? '' : `${copyFreshSql} FROM STDIN (FORMAT binary); `
      const { query, done } = createCopyQuery(
        `${copyFresh}${copyStageSql} FROM STDIN (FORMAT binary); ${mergeSql(tables)}`,
        copies,
      )
      try {
        await watch.watched(client, () => {
          client.query(query)
          return done
        })
        current = client
      } catch (error) {
        cut(client)
        throw error
      }
    },
    renew() {
      if (current !== undefined) cut(current)
      current = undefined
    },
    async close() {
      const client = current
      current = undefined
      await client?.end()
    },
  }
}
