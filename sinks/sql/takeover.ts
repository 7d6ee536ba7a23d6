import type { PartitionCheckpoint, TopicIdentity } from '../../ports/candle-store.ts'
import { exitCodes, FatalError, invariant } from '../../schemas/errors.ts'
import type { SqlRows, SqlStatement, SqlTransport } from './sql-transport.ts'
import { arrayLiteral, toBytes, toNumber, toText } from './sql-values.ts'

/** @throws {FatalError} `TOPIC_CHANGED` where offsets were committed against another topic of this name. */
export async function checkTopic(transport: SqlTransport, topology: string, topic: TopicIdentity): Promise<void> {
  await checkOnlyTopic(transport, topology, topic)
  const [row] = await transport.query({
    text: `INSERT INTO topic_identity AS t (topology, topic, topic_id, partitions) VALUES ($1, $2, $3, $4::int)
      ON CONFLICT (topology, topic) DO UPDATE SET topic_id = coalesce(t.topic_id, EXCLUDED.topic_id)
      RETURNING topic_id, partitions`,
    parameters: [topology, topic.topic, topic.topicId, topic.partitions],
  })
  invariant(row !== undefined, 'the identity of a topic is returned')
  const storedId = typeof row[0] === 'string' ? row[0] : null
  const storedPartitions = toNumber(row[1])
  const grown = storedPartitions !== topic.partitions
  const recreated = storedId !== null && topic.topicId !== null && storedId !== topic.topicId
  if (!grown && !recreated) return
  const why = grown
    ? `It has ${topic.partitions} partitions, the offsets of topology ${topology} were committed against ${storedPartitions}: symbols have moved.`
    : `It was deleted and created again (id ${topic.topicId}, was ${storedId}): the committed offsets mean other records.`
  throw new FatalError({
    code: 'TOPIC_CHANGED',
    message: `Topic ${topic.topic} is not the one that was committed against`,
    why,
    hint:
      grown && topic.partitions % storedPartitions === 0
        ? `npm run repartition -- --partitions ${topic.partitions}`
        : 'Give the topic its old form back, or start with an empty store and a new DATA_DIR: the log is read again from its start',
    exitCode: exitCodes.config,
  })
}

/** A stage that reads another topic now: its offsets and its state are of the one before. */
async function checkOnlyTopic(transport: SqlTransport, topology: string, { topic }: TopicIdentity): Promise<void> {
  const [row] = await transport.query({
    text: `SELECT i.topic FROM topic_identity i WHERE i.topology = $1 AND i.topic <> $2
      AND EXISTS (SELECT 1 FROM partitions p WHERE p.topology = $1 AND p.next_offset > 0) ORDER BY i.topic LIMIT 1`,
    parameters: [topology, topic],
  })
  if (row === undefined) {
    // Nothing was committed: what it would have read does not matter.
    await transport.query({
      text: 'DELETE FROM topic_identity WHERE topology = $1 AND topic <> $2',
      parameters: [topology, topic],
    })
    return
  }
  throw new FatalError({
    code: 'TOPIC_CHANGED',
    message: `${topology} reads ${topic} now, and has read ${toText(row[0])}`,
    why: 'Its committed offsets and its state are those of the topic before.',
    hint: 'Give it its topic back, or another name: it then begins at the start of the log.',
    exitCode: exitCodes.config,
  })
}

const mine = 'topology = $1 AND partition = ANY ($2::text::int[])'

/**
 * Raises the epochs, then reads. Each statement has its own snapshot: the wait for a commit in flight ends in the
 * first two, and only what is selected after it is sure to hold that commit. One joined statement would lose it.
 */
export async function takeOver(
  transport: SqlTransport,
  topology: string,
  partitions: readonly number[],
  nowMs: number,
): Promise<readonly PartitionCheckpoint[]> {
  const parameters = [topology, arrayLiteral(partitions)]
  const statements: readonly SqlStatement[] = [
    {
      text: `INSERT INTO partitions (topology, partition, epoch, next_offset, commit_no, last_seq)
        SELECT $1, number, 0, 0, 0, 0 FROM unnest($2::text::int[]) AS number ORDER BY number ON CONFLICT DO NOTHING`,
      parameters,
    },
    { text: `SELECT partition FROM partitions WHERE ${mine} ORDER BY partition FOR UPDATE`, parameters },
    {
      text: `UPDATE partitions SET epoch = greatest(epoch + 1, $3::bigint) WHERE ${mine}
        RETURNING partition, epoch, next_offset, commit_no, last_seq`,
      parameters: [...parameters, nowMs],
    },
    {
      text: `SELECT partition, payload FROM partition_state WHERE ${mine} ORDER BY partition, commit_no`,
      parameters,
    },
    {
      text: `SELECT partition, payload, commit_no FROM outbox WHERE ${mine} ORDER BY partition, commit_no`,
      parameters,
    },
    {
      text: `SELECT partition, symbol, held_from, failed_at, history_from, error, state FROM quarantine
        WHERE ${mine} ORDER BY partition, symbol`,
      parameters,
    },
  ]
  const [, , owned = [], states = [], outbox = [], quarantine = []] = await transport.transaction(statements)
  const statesOf = byPartition(states)
  const outboxOf = byPartition(outbox)
  const quarantineOf = byPartition(quarantine)
  return owned
    .map((row) => {
      const partition = toNumber(row[0])
      return {
        partition,
        epoch: toNumber(row[1]),
        nextOffset: toNumber(row[2]),
        commitNo: toNumber(row[3]),
        lastSeq: toNumber(row[4]),
        states: (statesOf.get(partition) ?? []).map((state) => toBytes(state[1])),
        outbox: (outboxOf.get(partition) ?? []).map((entry) => ({
          commitNo: toNumber(entry[2]),
          payload: toBytes(entry[1]),
        })),
        quarantines: (quarantineOf.get(partition) ?? []).map((held) => ({
          ...{ symbol: toText(held[1]), heldFrom: toNumber(held[2]), failedAt: toNumber(held[3]) },
          ...{ historyFrom: toNumber(held[4]), error: toText(held[5]), state: toBytes(held[6]) },
        })),
      }
    })
    .sort((a, b) => a.partition - b.partition)
}

function byPartition(rows: SqlRows): ReadonlyMap<number, SqlRows> {
  const groups = new Map<number, (readonly unknown[])[]>()
  for (const row of rows) {
    const partition = toNumber(row[0])
    const group = groups.get(partition)
    if (group === undefined) groups.set(partition, [row])
    else group.push(row)
  }
  return groups
}
