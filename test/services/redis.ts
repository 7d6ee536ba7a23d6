import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { inServiceDir, portAnswers, spawnService, untilReady } from './service-process.ts'

interface RedisService {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
  kill(): Promise<void>
}

/**
 * A Redis server without persistence on the loopback interface.
 *
 * @throws {Error} When there is no redis-server.
 */
export async function startRedis(options: { readonly port?: number } = {}): Promise<RedisService> {
  const port = options.port ?? (await freePort())
  return inServiceDir('redis', undefined, async (dir, clean) => {
    const logFile = join(dir, 'redis.out')
    const redis = spawnService({
      command: 'redis-server',
      args: ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', dir],
      logFile,
    })
    await untilReady(redis, logFile, () => portAnswers(port), 10_000)
    return {
      url: `redis://127.0.0.1:${port}`,
      pid: redis.pid,
      stop: () => redis.stop().then(clean),
      kill: () => redis.kill().then(clean),
    }
  })
}
