import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { mavenFolder } from './maven.ts'
import { inServiceDir, spawnService, untilReady } from './service-process.ts'

const version = '2.6.13.Final'

interface RegistryService {
  /** Root of Confluent's protocol. */
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
  kill(): Promise<void>
}

/**
 * Apicurio Registry with its data in memory, on the loopback interface.
 *
 * @throws {Error} When there is no Java, no archive, or it does not start within a minute.
 */
export async function startApicurio(options: { readonly port?: number } = {}): Promise<RegistryService> {
  const home = await apicurioHome()
  const port = options.port ?? (await freePort())
  return inServiceDir('registry', undefined, async (dir, clean) => {
    const logFile = join(dir, 'registry.out')
    const registry = spawnService({
      command: 'java',
      args: [
        ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
        ...['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`, '-Dquarkus.http.ssl-port=0'],
        '-jar',
        join(home, `apicurio-registry-app-${version}-runner.jar`),
      ],
      logFile,
      cwd: dir,
    })
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
    await untilReady(registry, logFile, () => answers(`${url}/subjects`))
    const kill = () => registry.kill().then(clean)
    return { url, pid: registry.pid, stop: kill, kill } // it keeps nothing
  })
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined)
  await response?.body?.cancel()
  return response?.ok ?? false
}

async function apicurioHome(): Promise<string> {
  return mavenFolder(`apicurio-${version}`, (dir) => [
    'dependency:unpack',
    `-Dartifact=io.apicurio:apicurio-registry-app:${version}:tar.gz:all`,
    `-DoutputDirectory=${dir}`,
  ])
}
