import type { Broker, OutgoingRecord } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Log } from '../ports/logger.ts'
import { controlHeader } from '../schemas/control.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'

/** Records in one append of padding. */
const paddingBatch = 10_000

export interface LogEndOptions {
  readonly broker: Broker
  readonly store: CandleStore
  readonly topic: string
  readonly topology: string
  /** The log is this process's own: it may be mended. A broker's may not. */
  readonly isOwnLog: boolean
  readonly log: Log
}

function behind(topic: string, partition: number, latest: number, committed: number): FatalError {
  return new FatalError({
    code: 'OFFSET_OUT_OF_RANGE',
    message: `offset ${committed} of ${topic}/${partition} is committed, the log ends at ${latest}`,
    why: 'the broker lost records that were read, or the topic was made anew: the same offsets would mean other records',
    hint: 'restore the topic, or start with an empty store',
    exitCode: exitCodes.config,
  })
}

/**
 * Before anything is appended: no partition of the log may end before what is committed, or new records would get
 * offsets that count as read, and be skipped in silence. An own log that was cut (a file damaged by hand or by a disk;
 * a crash cannot do it, for the log is synced before each commit) is filled up: what was cut off is in the candles.
 *
 * @throws {FatalError} `OFFSET_OUT_OF_RANGE`, naming both offsets.
 */
export async function ensureLogEnd({ broker, store, topic, topology, isOwnLog, log }: LogEndOptions): Promise<void> {
  const offsets = await broker.admin.offsets(topic)
  const positions = await store.positions(topology)
  // Nothing that is not committed may go by retention, from the first append on.
  const held = new Map([...offsets].map(([partition, { earliest }]) => [partition, earliest]))
  broker.retainFrom(
    topic,
    new Map([...held, ...positions.map(({ partition, nextOffset }) => [partition, nextOffset] as const)]),
  )
  const cut = positions.flatMap(({ partition, nextOffset }) => {
    const latest = offsets.get(partition)?.latest ?? 0
    return nextOffset > latest ? [{ partition, nextOffset, latest }] : []
  })
  const [first] = cut
  if (first === undefined) return
  const isGone = [...offsets.values()].every(({ latest }) => latest === 0)
  if (!isOwnLog || isGone || !offsets.has(first.partition))
    throw behind(topic, first.partition, first.latest, first.nextOffset)
  const producer = await broker.createProducer()
  for (const { partition, nextOffset, latest } of cut) {
    log('warn', 'the log ends before what is committed: it is filled up; the candles hold what was cut off', {
      partition,
      latest,
      committed: nextOffset,
    })
    const padding: OutgoingRecord = { partition, key: null, value: null, headers: { [controlHeader]: 'padding' } }
    for (let left = nextOffset - latest; left > 0; left -= paddingBatch)
      await producer.send(
        topic,
        Array.from({ length: Math.min(left, paddingBatch) }, () => padding),
      )
  }
  await producer.close()
}
