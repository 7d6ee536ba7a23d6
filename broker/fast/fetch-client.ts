import {
  type API,
  type Callback,
  ConnectionPool,
  Consumer,
  createAPI,
  FetchIsolationLevels,
  fetchV11,
  fetchV12,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  kGetApi,
  UnsupportedApiError,
} from '@platformatic/kafka'
import type { Clock } from '../../ports/clock.ts'
import { FatalError } from '../../schemas/errors.ts'
import type { KafkaAdminPort } from '../kafkajs/kafka-admin.ts'
import { type FetchedResponse, flexibleFetch, parseFetchResponse } from '../wire/fetch-response.ts'
import { asked } from './client-errors.ts'
import { clientOptions, connectMsMax, requestMsMax } from './client-options.ts'
import type { FetchPort } from './partition-fetch.ts'
import { topicMetadata } from './topic-metadata.ts'

/** How long a broker waits for records before it answers with none; a stop waits for no answer. */
const pollMsMax = 250
const answerBytesMax = 16 * 1_048_576
const fetchApiKey = 1

const requests = new Map<number, { readonly createRequest: unknown }>([
  [11, fetchV11],
  [12, fetchV12],
  [13, fetchV13],
  [14, fetchV14],
  [15, fetchV15],
  [16, fetchV16],
  [17, fetchV17],
])

/** The client's consumer, which never joins its group, with a parser of ours for what it fetches. */
class BytesConsumer extends Consumer {
  readonly #apis = new Map<number, API<unknown[], FetchedResponse>>()

  override [kGetApi]<Args extends Array<unknown>, Answer>(name: string, callback: Callback<API<Args, Answer>>): void {
    super[kGetApi]<Args, Answer>(name, (error, api) => {
      const ours = name === 'Fetch' && api !== undefined ? this.#apiOf(api.version) : undefined
      if (error !== null || api === undefined || name !== 'Fetch') callback(error, api)
      else if (ours === undefined) callback(new UnsupportedApiError(`version ${api.version} of Fetch is not read`), api)
      else callback(null, ours as unknown as API<Args, Answer>)
    })
  }

  #apiOf(version: number): API<unknown[], FetchedResponse> | undefined {
    const known = this.#apis.get(version)
    const request = requests.get(version)
    if (known !== undefined || request === undefined) return known
    const isFlexible = version >= flexibleFetch
    const made = createAPI(
      ...([
        fetchApiKey,
        version,
        request.createRequest,
        parseFetchResponse,
        isFlexible,
        isFlexible,
      ] as unknown as Parameters<typeof createAPI>),
    ) as unknown as API<unknown[], FetchedResponse>
    this.#apis.set(version, made)
    return made
  }
}

interface FetchClientOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly clock: Clock
  readonly admin: Pick<KafkaAdminPort, 'offsets'>
  readonly topic: string
}

export interface FetchClient extends FetchPort {
  /** @throws {FatalError} `PROTOCOL_UNSUPPORTED`: the broker speaks no version that is read. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** Fetches a topic's batches as bytes, over connections of its own: a long poll holds up nothing else. */
export function createFetchClient({ brokers, clientId, clock, admin, topic }: FetchClientOptions): FetchClient {
  const consumer = new BytesConsumer({
    ...clientOptions(brokers, clientId),
    groupId: `${clientId}-fetch`,
    isolationLevel: FetchIsolationLevels.READ_COMMITTED,
  })
  consumer.topics.trackAll(topic)
  const connectionPool = new ConnectionPool(clientId, { connectTimeout: connectMsMax, requestTimeout: requestMsMax })
  let topicId: string | undefined

  return {
    async probe() {
      const api = new Promise<void>((resolve, reject) => {
        consumer[kGetApi]('Fetch', (error) => (error === null ? resolve() : reject(error)))
      })
      await asked(brokers, api, topic)
    },
    async leaders() {
      const found = await topicMetadata({ base: consumer, brokers, clock, topic, isAnew: true })
      topicId ??= found.id
      // Offsets of the old one mean nothing in the new one.
      if (topicId !== found.id) throw topicMadeAnew(topic)
      return new Map(found.partitions.map(({ leader }, partition) => [partition, leader]))
    },
    async fetch(node, wanted) {
      const partitions = wanted.map(({ partition, offset, bytesMax, lastEpoch }) => ({
        ...{ partition, currentLeaderEpoch: -1, fetchOffset: BigInt(offset) },
        ...{ lastFetchedEpoch: lastEpoch, partitionMaxBytes: bytesMax },
      }))
      const answer = consumer.fetch({
        ...{ node, connectionPool, maxWaitTime: pollMsMax, minBytes: 1, maxBytes: answerBytesMax },
        topics: [{ topicId: topicId ?? '', partitions }],
      })
      const { responses } = (await asked(brokers, answer, topic)) as unknown as FetchedResponse
      return responses.flatMap((response) => response.partitions)
    },
    ranges: () => admin.offsets(topic),
    async close() {
      await Promise.all([consumer.close(true), connectionPool.close()])
    },
  }
}

function topicMadeAnew(topic: string): FatalError {
  return new FatalError({
    code: 'TOPIC_MADE_ANEW',
    message: `topic '${topic}' was deleted and made anew while it was read`,
    why: 'its offsets are other records now',
    hint: 'start with an empty store, or restore the topic',
  })
}
