import { randomUUID } from 'node:crypto'
import type { BatchHandler, Broker, SubscribeOptions, Subscription } from '../../ports/broker.ts'
import type { ColumnBatch, TickColumns } from '../../schemas/columns.ts'
import { createNumberDecoder } from './number-decoder.ts'

/** A batch as it was, copied. */
interface CollectedBatch {
  readonly partition: number
  readonly baseOffset: number
  readonly nextOffset: number
  readonly offsets: readonly number[]
  readonly appendTimes: readonly number[]
  readonly values: readonly number[]
  readonly controls: ColumnBatch['controls']
  readonly refused: ColumnBatch['refused']
}

interface Collector {
  readonly batches: CollectedBatch[]
  readonly values: number[]
  /** `assigned 0,1` and `revoked 0,1`, in order. */
  readonly events: string[]
  readonly errors: Error[]
  /** Every columns object that was handed out. */
  readonly columns: Set<TickColumns>
  readonly owned: Set<number>
  subscription: Subscription
}

interface CollectOptions
  extends Partial<Pick<SubscribeOptions<ColumnBatch>, 'decoder' | 'groupId' | 'sessionTimeoutMs'>> {
  readonly topic: string
  /** Where partitions start; default 0 each. */
  readonly starts?: ReadonlyMap<number, number>
  readonly on?: Partial<BatchHandler<ColumnBatch>>
}

/** Subscribes and keeps everything that arrives. */
export async function collect(broker: Broker, options: CollectOptions): Promise<Collector> {
  const { topic, starts, on } = options
  const kept = { batches: [], values: [], events: [], errors: [], columns: new Set(), owned: new Set() } satisfies Omit<
    Collector,
    'subscription'
  >
  const collector: Omit<Collector, 'subscription'> = kept
  const handler: BatchHandler<ColumnBatch> = {
    async assigned(partitions, signal) {
      collector.events.push(`assigned ${[...partitions].sort().join(',')}`)
      const offsets = await on?.assigned?.(partitions, signal)
      for (const partition of partitions) collector.owned.add(partition)
      return offsets ?? new Map(partitions.map((partition) => [partition, starts?.get(partition) ?? 0]))
    },
    batch(batch) {
      const copied = copyOf(batch)
      collector.batches.push(copied)
      collector.values.push(...copied.values)
      collector.columns.add(batch.columns)
      return on?.batch?.(batch)
    },
    async revoked(partitions) {
      collector.events.push(`revoked ${[...partitions].sort().join(',')}`)
      for (const partition of partitions) collector.owned.delete(partition)
      await on?.revoked?.(partitions)
    },
    failed(error) {
      collector.errors.push(error)
      on?.failed?.(error)
    },
  }
  const subscription = await broker.subscribe({
    topic,
    groupId: options.groupId ?? `group-${randomUUID()}`,
    decoder: options.decoder ?? createNumberDecoder(),
    handler,
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
  })
  return Object.assign(collector, { subscription })
}

function copyOf({ partition, baseOffset, nextOffset, columns, controls, refused }: ColumnBatch): CollectedBatch {
  const take = (column: Float64Array) => [...column.subarray(0, columns.length)]
  return {
    ...{ partition, baseOffset, nextOffset, controls, refused },
    ...{ offsets: take(columns.offset), appendTimes: take(columns.appendTime), values: take(columns.price) },
  }
}
