import { Client } from 'pg'

const connectMsMax = 2_000

/** Runs statements on a connection of their own. @returns Rows of the last one. */
export async function asAdmin(url: string, ...statements: readonly string[]): Promise<readonly unknown[][]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectMsMax })
  client.on('error', () => undefined)
  await client.connect()
  try {
    let rows: readonly unknown[][] = []
    for (const text of statements) rows = (await client.query<unknown[]>({ text, rowMode: 'array' })).rows
    return rows
  } finally {
    client.end().catch(() => undefined)
  }
}
