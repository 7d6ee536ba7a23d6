import { notAssigned, offsetOutOfRange } from '../../broker/broker-errors.ts'
import { createSignal } from '../../broker/signal.ts'
import type { SubscribeOptions, Subscription } from '../../ports/broker.ts'
import { type BatchDecoder, pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'
import { controlHeader } from '../../schemas/control.ts'
import type { SimPartition } from './sim-cluster.ts'
import type { SimSurroundings } from './sim-surroundings.ts'

const heartbeatMs = 1500

/** Records of one fetch. */
const fetchMax = 40

interface SimSubscriptionOptions<Batch extends SourceBatch> extends SimSurroundings {
  readonly subscribed: SubscribeOptions<Batch>
}

/** Where a partition is read from; another object after a seek. */
interface Cursor {
  offset: number
}

/** Decodes from an offset until the decoder or the fetch ends. @returns Offset of the next record, and what the last one needed. */
async function decodeFrom<Batch extends SourceBatch>(
  decoder: BatchDecoder<Batch>,
  { written, range }: SimPartition,
  from: number,
  count: number,
): Promise<number> {
  let next = from
  for (const { offset, value, headers, appendTime } of written.slice(from, Math.min(from + count, range.latest))) {
    const push = () => decoder.push(value, 0, value?.length ?? 0, offset, appendTime, headers[controlHeader])
    let result = push()
    while (result === pushed.needsSchema && decoder.pending === 0) {
      await decoder.resolveSchema(decoder.wantedSchemaId)
      result = push()
    }
    if (result !== pushed.taken) break
    next = offset + 1
  }
  return next
}

/** A member of a group: it joins, takes what it is given, beats, gives it back and joins again. */
export async function createSimSubscription<Batch extends SourceBatch>(
  options: SimSubscriptionOptions<Batch>,
): Promise<Subscription> {
  const { cluster, process, time, conditions, subscribed } = options
  const { topic, groupId, handler, decoder } = subscribed
  const { partitions } = cluster.find(topic)
  const group = cluster.group(groupId)
  const id = `${process.name}-${group.nextMember()}`
  const paused = new Set<number>()
  let cursors = new Map<number, Cursor>()
  let isActive = false
  let assignment = new AbortController()
  let isClosed = false
  /** What it does with what it was given. */
  let serving: Promise<void> = Promise.resolve()
  const signal = createSignal()

  const halt = (): void => {
    isActive = false
    assignment.abort()
    signal.notify()
  }
  const beat = (generation: number): void => {
    void process.clock.sleep(heartbeatMs).then(() => {
      if (!isActive) return
      const answer = conditions.isBrokerUp ? group.heartbeat(id, generation) : 'ok'
      if (answer === 'ok') beat(generation)
      else halt()
    })
  }

  /** At most one batch of a partition. @returns Whether there was one. */
  const step = async (partition: number, cursor: Cursor): Promise<boolean> => {
    const log = partitions[partition]
    if (log === undefined || paused.has(partition)) return false
    const { range } = log
    if (cursor.offset < range.earliest || cursor.offset > range.latest)
      throw offsetOutOfRange(topic, partition, cursor.offset, range)
    if (cursor.offset === range.latest) return false
    await process.call('fetch', () => time.sleep(conditions.latencyMs()))
    if (!isActive || !conditions.isBrokerUp || paused.has(partition) || cursors.get(partition) !== cursor)
      return isActive
    const base = cursor.offset
    cursor.offset = await decodeFrom(decoder, log, base, 1 + conditions.draw(fetchMax))
    await handler.batch(decoder.take(partition, base, cursor.offset))
    return true
  }

  const consume = async (): Promise<void> => {
    while (isActive) {
      let isBusy = false
      for (const [partition, cursor] of [...cursors]) if (isActive && (await step(partition, cursor))) isBusy = true
      if (!isBusy && isActive) await signal.wait()
    }
  }

  const serve = async (owned: readonly number[]): Promise<void> => {
    cursors = new Map()
    paused.clear()
    if (owned.length === 0) return consume()
    const starts = await handler.assigned(owned, assignment.signal)
    if (!isActive) return
    for (const partition of owned) {
      const offset = starts.get(partition)
      if (offset === undefined) throw notAssigned(topic, partition)
      cursors.set(partition, { offset })
    }
    await consume()
  }

  const run = async (): Promise<void> => {
    while (!isClosed) {
      const { generation, partitions: owned } = await process.call('join', () => group.join(id, partitions.length))
      if (isClosed) return
      isActive = true
      assignment = new AbortController()
      beat(generation)
      serving = serve(owned)
      await serving
      if (!isClosed && owned.length > 0) await handler.revoked(owned)
    }
  }

  const stopListening = cluster.onAppend(topic, () => process.whenRunning(signal.notify))
  run().catch((error: unknown) => {
    if (isClosed) return
    isClosed = true
    halt()
    group.leave(id)
    handler.failed(error instanceof Error ? error : new Error(String(error)))
  })
  return {
    pause: (some) => {
      for (const partition of some) paused.add(partition)
    },
    resume: (some) => {
      for (const partition of some) paused.delete(partition)
      signal.notify()
    },
    seek(partition, offset) {
      if (cursors.has(partition)) cursors.set(partition, { offset })
      signal.notify()
    },
    commitOffsets: () => process.call('group offsets', () => time.sleep(conditions.latencyMs())),
    async close() {
      isClosed = true
      halt()
      stopListening()
      group.leave(id)
      await serving.catch(() => undefined)
    },
  }
}
