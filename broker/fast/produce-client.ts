import {
  type API,
  addPartitionsToTxnV2,
  Base,
  type Broker as BrokerNode,
  type Connection,
  endTxnV2,
  FindCoordinatorKeyTypes,
  findCoordinatorV2,
  initProducerIdV3,
} from '@platformatic/kafka'
import type { Clock } from '../../ports/clock.ts'
import { FatalError, TransientError } from '../../schemas/errors.ts'
import { producerFenced } from '../broker-errors.ts'
import { produceApi, produceApiKey, produceVersion } from '../wire/produce.ts'
import { again } from './again.ts'
import { asked, codeOf } from './client-errors.ts'
import { clientOptions } from './client-options.ts'
import type { ProducePort, ProducerIdentity, TransactionPort } from './produce-port.ts'
import { topicMetadata } from './topic-metadata.ts'

/** Until the replicas have it. */
const replicasMsMax = 5_000
/** The broker aborts a transaction that is open longer. */
const transactionMsMax = 30_000
/** The end of the transaction before is still being written: a matter of milliseconds, unless its partitions have no leader. */
const endingMsMin = 5
const endingMsMax = 200
const endingTriesMax = 40
const endingCode = 'TRANSACTION_ENDING'

const concurrentTransactions = 51
/** The coordinator is another, or not ready. */
const movedCodes = new Set([14, 15, 16])
const fencedCodes = new Set([47, 90])
/** The coordinator knows nothing of this producer any more, or of another state of it. */
const lostCodes = new Set([48, 49, 59])

/** Versions that are spoken, one of each: all of Kafka 2.5 to 4 have them, and Redpanda. */
const spoken: readonly (readonly [key: number, version: number])[] = [
  [produceApiKey, produceVersion],
  [findCoordinatorV2.api.key, findCoordinatorV2.api.version],
  [initProducerIdV3.api.key, initProducerIdV3.api.version],
  [addPartitionsToTxnV2.api.key, addPartitionsToTxnV2.api.version],
  [endTxnV2.api.key, endTxnV2.api.version],
]

interface ProduceClientOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly clock: Clock
}

export interface ProduceClient extends ProducePort {
  /** @throws {FatalError} `PROTOCOL_UNSUPPORTED`: the broker does not speak what is spoken here. */
  probe(): Promise<void>
  transactions(transactionalId: string): TransactionPort
}

/** Carries record batches over connections of its own: one producer's wait holds up no other. */
export function createProduceClient({ brokers, clientId, clock }: ProduceClientOptions): ProduceClient {
  const base = new Base(clientOptions(brokers, clientId))
  let isClosed = false

  const call = <Arguments extends unknown[], Answer>(
    node: BrokerNode,
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> => base.connections.get(node).then((connection: Connection) => api.async(connection, ...args))

  async function nodeOf(id: number): Promise<BrokerNode> {
    const known = base.currentMetadata?.brokers.get(id)
    const node = known ?? (await base.metadata({ topics: [], forceUpdate: true })).brokers.get(id)
    if (node === undefined)
      throw new TransientError({ code: 'BROKER_TROUBLE', message: `the cluster does not know its broker ${id}` })
    return node
  }

  const anyNode = async (): Promise<BrokerNode> => {
    const { brokers: nodes } = await base.metadata({ topics: [], forceUpdate: true })
    const [node] = nodes.values()
    if (node === undefined)
      throw new TransientError({ code: 'BROKER_UNREACHABLE', message: 'the cluster has no broker' })
    return node
  }

  async function coordinatorOf(transactionalId: string): Promise<number> {
    const find = call(await anyNode(), findCoordinatorV2.api, FindCoordinatorKeyTypes.TRANSACTION, [transactionalId])
    return (await find).coordinators[0]?.nodeId ?? -1
  }

  function transactions(transactionalId: string): TransactionPort {
    let coordinator: number | undefined

    /** What the coordinator says of the id itself; every other error as it came. */
    const said = (error: unknown): unknown => {
      const code = codeOf(error)
      if (code === undefined || movedCodes.has(code)) coordinator = undefined
      if (code === undefined) return error
      if (fencedCodes.has(code)) return producerFenced(transactionalId, error)
      if (code === concurrentTransactions)
        return new TransientError({
          code: endingCode,
          message: 'the transaction before is not at its end',
          cause: error,
        })
      if (lostCodes.has(code))
        return new TransientError({
          code: 'PRODUCER_LOST',
          message: 'the coordinator lost this producer',
          cause: error,
        })
      return error
    }

    const once = async <Answer>(ask: (node: BrokerNode) => Promise<Answer>): Promise<Answer> => {
      try {
        coordinator ??= await coordinatorOf(transactionalId)
        return await ask(await nodeOf(coordinator))
      } catch (error) {
        throw said(error)
      }
    }

    const coordinated = async <Answer>(ask: (node: BrokerNode) => Promise<Answer>): Promise<Answer> => {
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
      takeId: (current) =>
        coordinated(async (node) => {
          const { producerId, epoch } = current ?? { producerId: -1n, epoch: -1 }
          const args = [transactionalId, transactionMsMax, producerId, epoch] as const
          const answer = await call(node, initProducerIdV3.api, ...args)
          return { producerId: answer.producerId, epoch: answer.producerEpoch }
        }),
      addPartitions: ({ producerId, epoch }, topics) =>
        coordinated(async (node) => {
          const named = topics.map(({ topic, partitions }) => ({ name: topic, partitions: [...partitions] }))
          const ids = { transactionalId, producerId, producerEpoch: epoch }
          await call(node, addPartitionsToTxnV2.api, [{ ...ids, verifyOnly: false, topics: named }])
        }),
      commit: ({ producerId, epoch }) =>
        coordinated(async (node) => {
          await call(node, endTxnV2.api, transactionalId, producerId, epoch, true)
        }),
    }
  }

  return {
    transactions,
    async probe() {
      const apis = await asked(brokers, base.listApis())
      const missing = spoken.filter(
        ([key, version]) =>
          !apis.some(
            ({ apiKey, minVersion, maxVersion }) => apiKey === key && minVersion <= version && version <= maxVersion,
          ),
      )
      if (missing.length === 0) return
      throw new FatalError({
        code: 'PROTOCOL_UNSUPPORTED',
        message: `the broker at ${brokers.join(', ')} does not speak what is spoken here`,
        why: missing.map(([key, version]) => `request ${key}, version ${version}`).join('; '),
      })
    },
    async leaders(topic, isAnew) {
      const found = await topicMetadata({ base, brokers, clock, topic, isAnew })
      return new Map(found.partitions.map(({ leader }, partition) => [partition, leader]))
    },
    async produce(leader, transactionalId, batches) {
      const answer = async () => call(await nodeOf(leader), produceApi, transactionalId, replicasMsMax, batches)
      return asked(brokers, answer())
    },
    async identify() {
      const ask = async (): Promise<ProducerIdentity> => {
        const answer = await call(await anyNode(), initProducerIdV3.api, null, transactionMsMax, -1n, -1)
        return { producerId: answer.producerId, epoch: answer.producerEpoch }
      }
      return again(
        clock,
        () => isClosed,
        () => asked(brokers, ask()),
      )
    },
    async close() {
      isClosed = true
      await base.close()
    },
  }
}
