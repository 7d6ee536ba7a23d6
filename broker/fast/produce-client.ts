import type { Clock } from '../../ports/clock.ts'
import { TransientError } from '../../schemas/errors.ts'
import { producerFenced } from '../broker-errors.ts'
import { fencedCodes, kafkaCode, lostByCoordinator, movedCodes } from '../wire/error-codes.ts'
import { produce } from '../wire/produce.ts'
import {
  addPartitions,
  endTransaction,
  findCoordinator,
  initProducerId,
  KafkaRefusal,
  nobody,
} from '../wire/requests.ts'
import { again } from './again.ts'
import { asked, type Cluster, unsupported } from './cluster.ts'
import type { ProducePort, TransactionPort } from './produce-port.ts'

/** Until the replicas have it. */
const replicasMsMax = 5_000
/** The broker aborts a transaction that is open longer. */
const transactionMsMax = 30_000
/** The end of the transaction before is still being written: a matter of milliseconds, unless its partitions have no leader. */
const endingMsMin = 5
const endingMsMax = 200
const endingTriesMax = 40
const endingCode = 'TRANSACTION_ENDING'
const lane = 'produce'

/** One version of each: all of Kafka 2.5 to 4 have them, and Redpanda. */
const spoken = [produce, findCoordinator, initProducerId, addPartitions, endTransaction] as const

interface ProduceClientOptions {
  readonly cluster: Cluster
  readonly brokers: readonly string[]
  readonly clock: Clock
}

export interface ProduceClient extends ProducePort {
  /** @throws {FatalError} `PROTOCOL_UNSUPPORTED`: the broker does not speak what is spoken here. */
  probe(): Promise<void>
  transactions(transactionalId: string): TransactionPort
}

/** Carries record batches over connections of its own: one producer's wait holds up no other. */
export function createProduceClient({ cluster, brokers, clock }: ProduceClientOptions): ProduceClient {
  let isClosed = false

  function transactions(transactionalId: string): TransactionPort {
    let coordinator: number | undefined

    /** What the coordinator says of the id itself; every other error as it came. */
    const said = (error: unknown): unknown => {
      const code = error instanceof KafkaRefusal ? error.kafkaCode : undefined
      if (code === undefined || movedCodes.has(code)) coordinator = undefined
      if (code === undefined) return error
      if (fencedCodes.has(code)) return producerFenced(transactionalId, error)
      if (code === kafkaCode.concurrentTransactions)
        return new TransientError({
          code: endingCode,
          message: 'the transaction before is not at its end',
          cause: error,
        })
      if (lostByCoordinator.has(code))
        return new TransientError({
          code: 'PRODUCER_LOST',
          message: 'the coordinator lost this producer',
          cause: error,
        })
      return error
    }

    const once = async <Answer>(ask: (node: number) => Promise<Answer>): Promise<Answer> => {
      try {
        coordinator ??= await cluster.coordinator(transactionalId, 'transaction')
        return await ask(coordinator)
      } catch (error) {
        throw said(error)
      }
    }

    const coordinated = async <Answer>(ask: (node: number) => Promise<Answer>): Promise<Answer> => {
      let pauseMs = endingMsMin
      for (let tries = 1; ; tries++) {
        try {
          return await again(
            clock,
            () => isClosed,
            () => asked(brokers, once(ask)),
          )
        } catch (error) {
          const isEnding = error instanceof TransientError && error.code === endingCode
          if (!isEnding || tries === endingTriesMax || isClosed) throw error
        }
        await clock.sleep(pauseMs)
        pauseMs = Math.min(2 * pauseMs, endingMsMax)
      }
    }

    return {
      takeId: (current = nobody) =>
        coordinated((node) => cluster.call(node, lane, initProducerId, transactionalId, transactionMsMax, current)),
      addPartitions: (producer, topics) =>
        coordinated((node) => cluster.call(node, lane, addPartitions, transactionalId, producer, topics)),
      commit: (producer) =>
        coordinated((node) => cluster.call(node, lane, endTransaction, transactionalId, producer, true)),
    }
  }

  return {
    transactions,
    async probe() {
      for (const request of spoken)
        if ((await asked(brokers, cluster.spoken([request]))) === undefined)
          throw unsupported(brokers, `request ${request.key}, version ${request.version}`)
    },
    leaders: async (topic, isAnew) => (await asked(brokers, cluster.topic(topic, isAnew))).leaders,
    produce: (leader, transactionalId, batches) =>
      asked(brokers, cluster.call(leader, lane, produce, transactionalId, replicasMsMax, batches)),
    identify() {
      const ask = async () =>
        cluster.call(await cluster.anyNode(), lane, initProducerId, null, transactionMsMax, nobody)
      return again(
        clock,
        () => isClosed,
        () => asked(brokers, ask()),
      )
    },
    async close() {
      isClosed = true
      await cluster.close()
    },
  }
}
