import { FatalError } from '../../schemas/errors.ts'
import type { KafkaAdminPort } from '../kafkajs/kafka-admin.ts'
import { type FetchRequest, fetchVersions, topicIdsFetch } from '../wire/fetch.ts'
import { asked, type Cluster, unsupported } from './cluster.ts'
import type { FetchPort } from './partition-fetch.ts'

/** How long a broker waits for records before it answers with none; a stop waits for no answer. */
const pollMsMax = 250
const answerBytesMax = 16 * 1_048_576

const namingVersions = fetchVersions.filter(({ version }) => version < topicIdsFetch)

interface FetchClientOptions {
  readonly cluster: Cluster
  readonly brokers: readonly string[]
  readonly admin: Pick<KafkaAdminPort, 'offsets'>
  readonly topic: string
}

export interface FetchClient extends FetchPort {
  /** @throws {FatalError} `PROTOCOL_UNSUPPORTED`: the broker speaks no version that is read. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** Fetches a topic's batches as bytes. */
export function createFetchClient({ cluster, brokers, admin, topic }: FetchClientOptions): FetchClient {
  let topicId: string | null | undefined

  async function requestOf(node?: number): Promise<FetchRequest> {
    // Without the topic's id only versions will do that name it.
    const hasId = topicId !== null && topicId !== undefined
    const request = await cluster.spoken(hasId ? fetchVersions : namingVersions, node)
    if (request === undefined) throw unsupported(brokers, 'Fetch, from version 11 on')
    return request
  }

  return {
    async probe() {
      await asked(brokers, requestOf())
    },
    async leaders() {
      const found = await asked(brokers, cluster.topic(topic, true))
      topicId ??= found.topicId
      // Offsets of the old one mean nothing in the new one.
      if (topicId !== found.topicId) throw topicMadeAnew(topic)
      return found.leaders
    },
    fetch: (node, partitions) =>
      asked(
        brokers,
        requestOf(node).then((one) =>
          cluster.call(node, 'fetch', one, {
            ...{ waitMs: pollMsMax, bytesMax: answerBytesMax, topic, topicId: topicId ?? '', partitions },
          }),
        ),
      ),
    ranges: () => admin.offsets(topic),
    close: () => cluster.close(),
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
