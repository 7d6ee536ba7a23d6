import { readFile } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { messageOf } from '../../schemas/errors.ts'
import { startApicurio } from './apicurio.ts'
import { findChromium } from './chromium.ts'
import { startKafka } from './kafka.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { type ServiceName, type ServiceState, serviceNames } from './service-names.ts'

interface Started {
  readonly address: string
  stop(): Promise<void>
}

const starters: Readonly<Record<ServiceName, () => Promise<Started>>> = {
  kafka: async () => started(await startKafka(), (service) => service.brokers),
  registry: async () => started(await startApicurio(), (service) => service.url),
  postgres: async () => started(await startPostgres(), (service) => service.url),
  redis: async () => started(await startRedis(), (service) => service.url),
  chromium: async () => ({ address: findChromium(), stop: () => Promise.resolve() }),
}

const running: Started[] = []

// Told to end, we end what we started: an exit does so, a signal's own end does not.
process.once('SIGTERM', () => process.exit(143))

/** Starts, all at once, the services that the selected test files name, and provides their addresses. */
export async function setup(project: TestProject): Promise<void> {
  const wanted = await wantedServices(project)
  const entries = await Promise.all(
    wanted.map(async (name): Promise<readonly [ServiceName, ServiceState]> => {
      try {
        const service = await starters[name]()
        running.push(service)
        return [name, { address: service.address }]
      } catch (error) {
        return [name, { missing: messageOf(error) }]
      }
    }),
  )
  project.provide('services', Object.fromEntries(entries))
}

/** Ends them, by pid, with their temporary folders. */
export async function teardown(): Promise<void> {
  await Promise.all(running.splice(0).map((service) => service.stop()))
}

/** A test file says what it needs in its own text: `describeService('kafka', …)`. */
async function wantedServices(project: TestProject): Promise<readonly ServiceName[]> {
  const { testFiles } = await project.globTestFiles(selectedPatterns(project))
  const wanted = new Set<ServiceName>()
  for (const file of testFiles) {
    const text = await readFile(file, 'utf8')
    if (!text.includes('describeService')) continue
    for (const name of serviceNames) if (text.includes(`'${name}'`)) wanted.add(name)
  }
  return serviceNames.filter((name) => wanted.has(name))
}

/** The file names given on vitest's command line; all files where they cannot be told. */
function selectedPatterns(project: TestProject): string[] | undefined {
  const patterns: unknown = Reflect.get(project.vitest, 'filenamePattern')
  return Array.isArray(patterns) && patterns.length > 0 ? patterns.map(String) : undefined
}

function started<Service extends { stop(): Promise<void> }>(
  service: Service,
  address: (service: Service) => string,
): Started {
  return { address: address(service), stop: () => service.stop() }
}
