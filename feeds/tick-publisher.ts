import type { OutgoingRecord, Producer } from '../ports/broker.ts'
import type { FeedOutput } from '../ports/feed.ts'
import { type ControlRecord, controlHeader } from '../schemas/control.ts'
import { invariant, TransientError } from '../schemas/errors.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'

/** Unacknowledged records that a publisher holds at most; feeds flush well below. */
export const pendingMax = 50_000

/** Sends of one flush before its error reaches the feed. */
export const sendAttemptsMax = 8

const backoffFirstMs = 100
const backoffMaxMs = 5_000
/** Symbols whose partition is remembered; a file of nothing but new symbols must not fill the memory. */
const partitionsRememberedMax = 100_000

interface TickPublisherOptions {
  readonly producer: Producer
  readonly topic: string
  readonly partitions: number
  encodeTick(tick: Tick): Uint8Array
  encodeControl(record: ControlRecord): Uint8Array
  /** Waits between attempts; replaced in tests. */
  readonly sleep?: (ms: number) => Promise<void>
  /** Called before each wait, for a log line. */
  readonly onRetry?: (error: TransientError, attempt: number, waitMs: number) => void
}

function sleepMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * The feeds' way into the `ticks` topic. A flush is one `send` of everything written since the last one, so the ticks
 * of a slot and the heartbeat after them reach a partition together. A failed flush stays at the head of the queue:
 * the next one sends it again, whole and first; what had arrived of it is a duplicate that the engine drops.
 *
 * @throws {InvariantViolation} From `tick` and `control`, when more than `pendingMax` records wait.
 * @throws {TransientError} From `flush`, after `sendAttemptsMax` attempts.
 */
export function createTickPublisher(options: TickPublisherOptions): FeedOutput {
  const { producer, topic, partitions, encodeTick, encodeControl, sleep = sleepMs, onRetry } = options
  invariant(Number.isInteger(partitions) && partitions > 0, () => `A topic has partitions, was ${partitions}`)
  const remembered = new Map<string, number>()
  const batches: OutgoingRecord[][] = []
  let current: OutgoingRecord[] = []
  let pending = 0
  let tail: Promise<void> = Promise.resolve()

  function push(record: OutgoingRecord): void {
    invariant(pending < pendingMax, () => `A feed flushes before ${pendingMax} records wait`)
    current.push(record)
    pending++
  }

  function partitionOf(symbol: string): number {
    const known = remembered.get(symbol)
    if (known !== undefined) return known
    const found = partitionOfKey(symbol, partitions)
    if (remembered.size >= partitionsRememberedMax) remembered.clear()
    remembered.set(symbol, found)
    return found
  }

  async function sendWithRetries(records: readonly OutgoingRecord[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await producer.send(topic, records)
        return
      } catch (error) {
        if (!(error instanceof TransientError) || attempt >= sendAttemptsMax) throw error
        const ceilingMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (attempt - 1))
        const waitMs = ceilingMs / 2 + (Math.random() * ceilingMs) / 2
        onRetry?.(error, attempt, waitMs)
        await sleep(waitMs)
      }
    }
  }

  async function drain(last: OutgoingRecord[] | undefined): Promise<void> {
    if (last !== undefined && !batches.includes(last)) return
    for (;;) {
      const batch = batches[0]
      if (batch === undefined) return
      await sendWithRetries(batch)
      batches.shift()
      pending -= batch.length
      if (batch === last) return
    }
  }

  return {
    partitions,
    partitionOf,
    get pending() {
      return pending
    },
    tick(tick) {
      push({ partition: partitionOf(tick.symbol), key: tick.symbol, value: encodeTick(tick) })
    },
    control(record, partition) {
      const value = encodeControl(record)
      const headers = { [controlHeader]: record.kind }
      if (partition !== undefined) {
        invariant(partition >= 0 && partition < partitions, () => `Partition is below ${partitions}, was ${partition}`)
        push({ partition, key: null, value, headers })
        return
      }
      for (let each = 0; each < partitions; each++) push({ partition: each, key: null, value, headers })
    },
    flush() {
      if (current.length > 0) {
        batches.push(current)
        current = []
      }
      const last = batches.at(-1)
      const done = tail.then(() => drain(last))
      tail = done.catch(() => undefined)
      return done
    },
  }
}
