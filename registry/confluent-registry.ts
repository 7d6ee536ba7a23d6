import { setTimeout } from 'node:timers/promises'
import { COMPATIBILITY, SchemaRegistry as ConfluentClient, SchemaType } from '@kafkajs/confluent-schema-registry'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { exitCodes, FatalError, messageOf, TransientError } from '../schemas/errors.ts'

export interface ConfluentRegistryOptions {
  /** Root of the registry's HTTP protocol, e.g. `http://localhost:8081`. */
  readonly url: string
  /** Basic authentication. */
  readonly username?: string
  readonly password?: string
  /** Bound of one HTTP request. Default 5,000. */
  readonly requestTimeoutMs?: number
  /** Times that a reading request is sent again. Default 2. */
  readonly retriesMax?: number
}

type ClientOptions = ConstructorParameters<typeof ConfluentClient>[0]
type Middleware = NonNullable<ClientOptions['middlewares']>[number]

const attemptsMax = 4

/** How the client reports that no registry answered: as status 400, with the socket's error where JSON would be. */
const noAnswer = /Error, status 400: (?!\[object)/

/**
 * A registry behind Confluent's HTTP protocol: Redpanda's, Confluent's, Karapace, Apicurio.
 * The client keeps every schema that it has seen.
 */
export function createConfluentRegistry(options: ConfluentRegistryOptions): SchemaRegistry {
  const { username, password = '', requestTimeoutMs = 5_000, retriesMax = 2 } = options
  const url = options.url.replace(/\/+$/, '')
  const auth = username === undefined ? undefined : { username, password }
  const client = new ConfluentClient({
    host: url,
    clientId: 'redwick',
    retry: { retries: retriesMax, maxRetryTimeInSecs: requestTimeoutMs / 1000 },
    middlewares: [bounded(requestTimeoutMs)],
    ...(auth === undefined ? {} : { auth }),
  })

  return {
    async register(subject, schema) {
      let compatibility = COMPATIBILITY.BACKWARD
      for (let attempt = 1; ; attempt++) {
        try {
          const { id } = await client.register(
            { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
            { subject, compatibility },
          )
          return id
        } catch (error) {
          // The client insists on naming the level that the subject has.
          const level = levelIn(messageOf(error))
          // A process that registers at the same moment makes some registries say 409: a real one stays.
          const again = attempt < attemptsMax && (level !== undefined || statusOf(error) === 409)
          if (!again) throw registryError(error, url, `register a schema under ${subject}`)
          compatibility = level ?? compatibility
          if (level === undefined) await setTimeout(attempt * 50 * (1 + Math.random()))
        }
      }
    },
    async schema(id) {
      try {
        return schemaIn(await client.getSchema(id))
      } catch (error) {
        const status = statusOf(error)
        if (status === 404) return undefined
        // The registry has answered: the id is known, and its schema is none that Avro can read.
        if (status === undefined) return { unreadable: messageOf(error) }
        throw registryError(error, url, `look up schema ${id}`)
      }
    },
    async ping() {
      const headers: Record<string, string> =
        auth === undefined
          ? {}
          : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
      const signal = AbortSignal.timeout(requestTimeoutMs)
      const response = await fetch(`${url}/subjects`, { headers, signal }).catch((cause: unknown) => {
        throw unreachable(url, cause)
      })
      await response.body?.cancel()
      if (!response.ok)
        throw registryError(
          Object.assign(new Error(`status ${response.status}`), { status: response.status }),
          url,
          'ping',
        )
    },
    async close() {},
  }
}

/** Bounds each request in time. */
function bounded(timeoutMs: number): Middleware {
  return () => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs }) })
}

function schemaIn(answer: Awaited<ReturnType<ConfluentClient['getSchema']>>): object {
  if (!('schema' in answer) || typeof answer.schema !== 'function') return { unreadable: 'it is no Avro schema' }
  const schema: unknown = answer.schema({ exportAttrs: true })
  return typeof schema === 'object' && schema !== null ? schema : { type: schema }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined
  return typeof error.status === 'number' ? error.status : undefined
}

function levelIn(message: string): COMPATIBILITY | undefined {
  const text = /Compatibility does not match the configuration \(\w+ != (\w+)\)/.exec(message)?.[1]
  return Object.values(COMPATIBILITY).find((level) => level === text)
}

function unreachable(url: string, cause: unknown): TransientError {
  return new TransientError({
    code: 'REGISTRY_UNREACHABLE',
    message: `the schema registry at ${url} does not answer`,
    why: messageOf(cause),
    hint: 'check SCHEMA_REGISTRY_URL and that the registry runs',
    cause,
  })
}

function registryError(error: unknown, url: string, task: string): Error {
  const status = statusOf(error)
  if (status === 409 || status === 422)
    return new FatalError({
      code: 'SCHEMA_INCOMPATIBLE',
      message: `the schema registry at ${url} refuses to ${task}`,
      why: messageOf(error),
      hint: 'give new fields a default, and keep the types of those that are there',
      cause: error,
    })
  if (status === 401 || status === 403)
    return new FatalError({
      code: 'REGISTRY_DENIED',
      message: `the schema registry at ${url} does not let us ${task}`,
      why: messageOf(error),
      hint: 'check the registry user and password',
      exitCode: exitCodes.auth,
      cause: error,
    })
  if (status === 400 && noAnswer.test(messageOf(error))) return unreachable(url, error)
  if (status === undefined || status >= 500 || status === 408 || status === 429) return unreachable(url, error)
  return new FatalError({
    code: 'REGISTRY_REFUSED',
    message: `the schema registry at ${url} refuses to ${task}`,
    why: messageOf(error),
    cause: error,
  })
}
