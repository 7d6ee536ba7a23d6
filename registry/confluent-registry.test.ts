import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { FatalError, TransientError } from '../schemas/errors.ts'
import { tickAvro } from '../schemas/tick.ts'
import { describeService } from '../test/services/services.ts'
import { createConfluentRegistry } from './confluent-registry.ts'
import { registryContract } from './registry.contract.ts'

describeService('registry', 'Apicurio', (service) => {
  registryContract('the Confluent registry client', async () => createConfluentRegistry({ url: service.url }))
})

describe('a registry in trouble', () => {
  let server: Server | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
    server = undefined
  })

  const listen = (listener: RequestListener) =>
    new Promise<string>((resolve) => {
      const started = createServer(listener)
      server = started
      started.listen(0, '127.0.0.1', () => {
        const address = started.address()
        resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
      })
    })

  const answering = async (status: number, body: object = {}) => {
    const url = await listen((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
      response.end(JSON.stringify(body))
    })
    return createConfluentRegistry({ url, retriesMax: 0, requestTimeoutMs: 300 })
  }

  it.each([
    { name: 'a 500', status: 500, type: TransientError, code: 'REGISTRY_UNREACHABLE' },
    { name: 'a 503', status: 503, type: TransientError, code: 'REGISTRY_UNREACHABLE' },
    { name: 'a 429', status: 429, type: TransientError, code: 'REGISTRY_UNREACHABLE' },
    { name: 'a 401', status: 401, type: FatalError, code: 'REGISTRY_DENIED' },
    { name: 'a 403', status: 403, type: FatalError, code: 'REGISTRY_DENIED' },
    { name: 'a 400', status: 400, type: FatalError, code: 'REGISTRY_REFUSED' },
  ])('$name to a look-up is $code', async ({ status, type, code }) => {
    const registry = await answering(status)
    const error: unknown = await registry.schema(7).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code })
  })

  it('a 404 with code 40403 says that the id is not known', async () => {
    const registry = await answering(404, { error_code: 40403, message: 'Schema not found' })
    expect(await registry.schema(7)).toBeUndefined()
  })

  it('a 409 to a registration is SCHEMA_INCOMPATIBLE', async () => {
    const url = await listen((request, response) => {
      response.writeHead(request.method === 'POST' ? 409 : 404, { 'content-type': 'application/json' })
      response.end('{}')
    })
    const registry = createConfluentRegistry({ url, retriesMax: 0 })
    await expect(registry.register('s', tickAvro)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
  })

  it('a subject with a compatibility of its own keeps it', async () => {
    const url = await listen((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(request.method === 'POST' ? { id: 12 } : { compatibilityLevel: 'FULL' }))
    })
    expect(await createConfluentRegistry({ url }).register('s', tickAvro)).toBe(12)
  })

  it('a refused connection is REGISTRY_UNREACHABLE', async () => {
    const url = await listen(() => undefined)
    server?.close()
    const registry = createConfluentRegistry({ url, retriesMax: 0 })
    for (const call of [() => registry.schema(7), () => registry.register('s', tickAvro), () => registry.ping()])
      await expect(call()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  })

  it('a registry that never answers is REGISTRY_UNREACHABLE within the timeout', async () => {
    const url = await listen(() => undefined)
    const registry = createConfluentRegistry({ url, retriesMax: 0, requestTimeoutMs: 200 })
    const started = performance.now()
    await expect(registry.schema(7)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    await expect(registry.ping()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  it('a schema that is no Avro is handed back as an object that nothing reads', async () => {
    const registry = await answering(200, { schemaType: 'AVRO', schema: '{"type":"nonsense"}' })
    expect(await registry.schema(7)).toHaveProperty('unreadable')
  })
})
