import type { Clock } from '../../ports/clock.ts'
import { FatalError, RedwickError, TransientError } from '../../schemas/errors.ts'
import { unknownTopic } from '../broker-errors.ts'
import { type Address, type Connection, openConnection } from '../wire/connection.ts'
import { kafkaCode, passingOfCalls } from '../wire/error-codes.ts'
import {
  apiVersions,
  type ClusterMetadata,
  coordinatorOf,
  findCoordinator,
  KafkaRefusal,
  metadata,
  type Request,
  type TopicLeaders,
  type VersionRange,
} from '../wire/requests.ts'

/** Of what any broker may be asked. */
const anyLane = 'any'
/** A topic that was just made is not known to each broker at once. */
const unknownTriesMax = 5
const unknownMs = 200

/** The brokers of a cluster, and connections to them that nobody else uses. */
export interface Cluster {
  /**
   * Asks one broker, once.
   *
   * @param lane Calls of one lane and broker share a connection: a long wait holds up no other lane.
   * @throws {TransientError} `BROKER_UNREACHABLE`
   * @throws {KafkaRefusal}
   */
  call<Arguments extends readonly unknown[], Answer>(
    node: number,
    lane: string,
    request: Request<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer>
  /** @throws {TransientError} Of any of the brokers. */
  anyNode(): Promise<number>
  /**
   * @param isAnew Asks the cluster; otherwise what it said last will do.
   * @throws {FatalError} `UNKNOWN_TOPIC`, after a second.
   */
  topic(topic: string, isAnew: boolean): Promise<TopicLeaders>
  coordinator(name: string, kind: keyof typeof coordinatorOf): Promise<number>
  /**
   * The first of these that a broker speaks, or any of them where none is named; undefined where it speaks none.
   * While brokers are replaced by newer ones, they differ.
   */
  spoken<One extends Request<never, unknown>>(requests: readonly One[], node?: number): Promise<One | undefined>
  close(): Promise<void>
}

interface ClusterOptions {
  /** `host:port` of one or more. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly clock: Pick<Clock, 'sleep'>
  /** Every connection of one client, of all its clusters. */
  readonly connections: Set<Connection>
}

export function createCluster({ brokers, clientId, clock, connections }: ClusterOptions): Cluster {
  const opening = new Map<string, Promise<Connection>>()
  const nodes = new Map<number, Address>()
  const topics = new Map<string, TopicLeaders>()
  /** By address, for as long as nothing is connected anew there. */
  const versions = new Map<string, readonly VersionRange[]>()
  /** Who answered last is asked first: one that is gone may take its time to say nothing. */
  let lastGood: Address | undefined
  let isClosed = false

  /** One that died without a word would keep each later request waiting as well: all that were silent since are ended. */
  function onUnanswered(sentAt: number): void {
    for (const one of connections) if (one.heardAt < sentAt) one.end('another request had no answer')
  }

  async function open(address: Address): Promise<Connection> {
    versions.delete(nameOf(address))
    const made = await openConnection(address, { clientId, onUnanswered })
    connections.add(made)
    if (isClosed) made.end('the client was closed')
    return made
  }

  async function connection(address: Address, lane: string): Promise<Connection> {
    const key = `${nameOf(address)} ${lane}`
    for (let current = opening.get(key); current !== undefined; current = opening.get(key)) {
      const known = await current.catch(() => undefined)
      if (known !== undefined && !known.isClosed) return known
      if (known !== undefined) connections.delete(known)
      // Another caller may have come first, and made a new one.
      if (opening.get(key) === current) opening.delete(key)
    }
    const made = open(address)
    opening.set(key, made)
    return made
  }

  /** The first broker that answers, of those that are known and those that were named. */
  async function anyOf<Answer>(ask: (address: Address) => Promise<Answer>): Promise<Answer> {
    let failure: unknown = new TransientError({ code: 'BROKER_UNREACHABLE', message: 'no broker is named' })
    const first = lastGood === undefined ? [] : [lastGood]
    for (const address of [...first, ...nodes.values(), ...brokers.map(addressOf)])
      try {
        if (isClosed) throw closedError()
        const answer = await ask(address)
        lastGood = address
        return answer
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        failure = error
      }
    throw failure
  }

  const askAny = <Arguments extends readonly unknown[], Answer>(
    request: Request<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> => anyOf(async (address) => (await connection(address, anyLane)).call(request, ...args))

  async function spokenAt<One extends Request<never, unknown>>(
    address: Address,
    requests: readonly One[],
  ): Promise<One | undefined> {
    const name = nameOf(address)
    let ranges = versions.get(name)
    if (ranges === undefined) {
      ranges = await (await connection(address, anyLane)).call(apiVersions)
      versions.set(name, ranges)
    }
    const known = ranges
    return requests.find(({ key, version }) =>
      known.some((range) => range.key === key && range.min <= version && version <= range.max),
    )
  }

  async function refresh(wanted: readonly string[]): Promise<ClusterMetadata> {
    const answer = await anyOf(async (address) => {
      const request = await spokenAt<(typeof metadata)[number]>(address, metadata)
      if (request === undefined) throw unsupported(brokers, 'Metadata 8')
      return (await connection(address, anyLane)).call(request, wanted)
    })
    nodes.clear()
    for (const { id, host, port } of answer.nodes) nodes.set(id, { host, port })
    return answer
  }

  async function topicAnew(topic: string): Promise<TopicLeaders> {
    for (let tries = 1; ; tries++) {
      const found = (await refresh([topic])).topics.find((one) => one.topic === topic)
      const errorCode = found?.errorCode ?? kafkaCode.unknownTopicOrPartition
      if (found !== undefined && errorCode === 0) {
        topics.set(topic, found)
        return found
      }
      topics.delete(topic)
      if (errorCode !== kafkaCode.unknownTopicOrPartition) throw new KafkaRefusal('Metadata', errorCode)
      if (tries === unknownTriesMax) throw unknownTopic(topic)
      await clock.sleep(unknownMs)
    }
  }

  async function placeOf(node: number): Promise<Address> {
    if (isClosed) throw closedError()
    if (!nodes.has(node)) await refresh([])
    const address = nodes.get(node)
    if (address !== undefined) return address
    throw new TransientError({ code: 'BROKER_TROUBLE', message: `the cluster does not know its broker ${node}` })
  }

  return {
    async call(node, lane, request, ...args) {
      return (await connection(await placeOf(node), lane)).call(request, ...args)
    },
    async anyNode() {
      await refresh([])
      const [node] = nodes.keys()
      if (node === undefined)
        throw new TransientError({ code: 'BROKER_UNREACHABLE', message: 'the cluster has no broker' })
      return node
    },
    async topic(topic, isAnew) {
      return (isAnew ? undefined : topics.get(topic)) ?? topicAnew(topic)
    },
    coordinator: async (name, kind) => (await askAny(findCoordinator, name, coordinatorOf[kind])).id,
    spoken: async (requests, node) =>
      node === undefined ? anyOf((address) => spokenAt(address, requests)) : spokenAt(await placeOf(node), requests),
    async close() {
      isClosed = true
      for (const made of opening.values())
        await made.then(
          (one) => {
            one.end('the client was closed')
            connections.delete(one)
          },
          () => undefined,
        )
    },
  }
}

/** What a call rejected with, as an error of ours that names the brokers. */
export async function asked<Answer>(brokers: readonly string[], answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof RedwickError || !(error instanceof KafkaRefusal || error instanceof RangeError)) throw error
    const details = { message: `the broker at ${brokers.join(', ')} refused`, why: error.message, cause: error }
    const isPassing = error instanceof KafkaRefusal && passingOfCalls.has(error.kafkaCode)
    throw isPassing
      ? new TransientError({ code: 'BROKER_TROUBLE', ...details })
      : new FatalError({ code: 'BROKER_REFUSED', ...details })
  }
}

/** @param missing The requests that it does not speak. */
export function unsupported(brokers: readonly string[], missing: string): FatalError {
  return new FatalError({
    code: 'PROTOCOL_UNSUPPORTED',
    message: `the broker at ${brokers.join(', ')} does not speak what is spoken here`,
    why: missing,
    hint: 'set BROKER_CLIENT=kafkajs',
  })
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`

function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) }
}

function closedError(): TransientError {
  return new TransientError({ code: 'BROKER_CLOSED', message: 'the client was closed' })
}
