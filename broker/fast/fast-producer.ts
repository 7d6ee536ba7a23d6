import type { Producer, TransactionalProducer } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { createLane } from '../../ports/lane.ts'
import { FencedError, type RedwickError } from '../../schemas/errors.ts'
import { brokerClosed } from '../broker-errors.ts'
import type { ProducerIdentity } from '../wire/requests.ts'
import { type BatchSends, createBatchSends, partitionsOf } from './batch-sends.ts'
import type { ProducePort, TransactionPort } from './produce-port.ts'

interface ProducerOptions {
  readonly port: ProducePort
  readonly clock: Clock
}

/** Acknowledged by all in-sync replicas, and numbered: what is sent again after a lost answer is not repeated. */
export function createFastProducer({ port, clock }: ProducerOptions): Producer {
  const inLane = createLane()
  let current: { readonly identity: ProducerIdentity; readonly sends: BatchSends } | undefined
  let isOver = false
  const isClosed = (): boolean => isOver

  async function identified() {
    current ??= {
      identity: await port.identify(),
      sends: createBatchSends({ port, clock, transactionalId: null, isClosed }),
    }
    return current
  }

  return {
    send: (topic, records) =>
      inLane(async () => {
        if (isOver) throw brokerClosed()
        const { identity, sends } = await identified()
        const lanes = await sends.lanesOf([{ topic, records }])
        try {
          await sends.send(identity, lanes)
        } catch (error) {
          // Its numbers may no longer be the broker's.
          current = undefined
          throw isOver ? brokerClosed() : error
        }
        return lanes.map(({ partition, baseOffset }) => ({ partition, baseOffset }))
      }),
    async close() {
      isOver = true
      await port.close()
    },
  }
}

/**
 * Fences earlier producers with the id at once. After a failure it takes the id again only as the one that it was: a zombie
 * cannot win its id back.
 */
export async function createFastTransactionalProducer(
  { port, clock }: ProducerOptions,
  transactionalId: string,
  transactions: TransactionPort,
): Promise<TransactionalProducer> {
  const inLane = createLane()
  let lost: RedwickError | undefined
  const isClosed = (): boolean => lost !== undefined
  const sendsAnew = (): BatchSends => createBatchSends({ port, clock, transactionalId, isClosed })
  let identity = await transactions.takeId()
  let sends = sendsAnew()
  /** A transaction is open, or may be. */
  let isOpen = false

  /** Ends what is open, with all that it sent. */
  async function abort(): Promise<void> {
    identity = await transactions.takeId(identity)
    sends = sendsAnew()
    isOpen = false
  }

  const noteFenced = (error: unknown): void => {
    if (error instanceof FencedError) lost ??= error
  }

  return {
    send: (groups) =>
      inLane(async () => {
        if (lost !== undefined) throw lost
        try {
          if (isOpen) await abort()
          const lanes = await sends.lanesOf(groups)
          if (lanes.length === 0) return
          isOpen = true
          await transactions.addPartitions(identity, partitionsOf(lanes))
          await sends.send(identity, lanes)
          await transactions.commit(identity)
          isOpen = false
        } catch (error) {
          noteFenced(error)
          // At once where that can be: readers wait for the end of what is open. If not, the next send does it first.
          if (isOpen && !isClosed()) await abort().catch(noteFenced)
          throw lost ?? error
        }
      }),
    async close() {
      lost ??= brokerClosed()
      await port.close()
    },
  }
}
