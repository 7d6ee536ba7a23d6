import type { StoredTopology, TopicIdentity, TopologyDeclaration } from '../../ports/candle-store.ts'
import type { SqlTransport } from './sql-transport.ts'
import { epochMsSql, toNumber, toText } from './sql-values.ts'

/** Notes a declaration as the last one of its name. */
export async function declareTopology(transport: SqlTransport, declared: TopologyDeclaration): Promise<void> {
  const { name, hash, declaration } = declared
  await transport.query({
    text: `INSERT INTO topologies (name, hash, declaration, run_no)
      SELECT $1, $2, $3, coalesce(max(run_no), 0) + 1 FROM topologies
      ON CONFLICT (name, hash) DO UPDATE SET run_no = EXCLUDED.run_no, last_run_at = now()`,
    parameters: [name, hash, declaration],
  })
}

/** Every declaration that ran, the last one first. */
export async function topologies(transport: SqlTransport): Promise<readonly StoredTopology[]> {
  const rows = await transport.query({
    text: `SELECT name, hash, declaration, ${epochMsSql('first_run_at')}, ${epochMsSql('last_run_at')}
      FROM topologies ORDER BY run_no DESC, name, hash`,
  })
  return rows.map((row) => ({
    name: toText(row[0]),
    hash: toText(row[1]),
    declaration: toText(row[2]),
    firstRunAt: toNumber(row[3]),
    lastRunAt: toNumber(row[4]),
  }))
}

/** The topics that offsets of a topology were committed against. */
export async function committedTopics(transport: SqlTransport, topology: string): Promise<readonly TopicIdentity[]> {
  const rows = await transport.query({
    text: 'SELECT topic, topic_id, partitions FROM topic_identity WHERE topology = $1 ORDER BY topic',
    parameters: [topology],
  })
  return rows.map((row) => ({
    topic: toText(row[0]),
    topicId: typeof row[1] === 'string' ? row[1] : null,
    partitions: toNumber(row[2]),
  }))
}
