import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { FatalError, messageOf, TransientError } from '../../schemas/errors.ts'
import { startFaultProxy } from '../../test/chaos/fault-proxy.ts'
import { freePort } from '../../test/services/free-port.ts'
import { startRedis } from '../../test/services/redis.ts'
import { describeService } from '../../test/services/services.ts'
import { snapshotContract } from '../snapshot.contract.ts'
import { createRedisSnapshot } from './redis-snapshot.ts'

describeService('redis', 'Redis snapshot', ({ url }) => {
  snapshotContract('Redis', async () => createRedisSnapshot({ url, prefix: `test:${randomUUID()}:` }))

  it('gives up a connection that died without a word, and goes on with another', async () => {
    const proxy = await startFaultProxy(Number(new URL(url).port))
    const snapshot = createRedisSnapshot({ url: `redis://127.0.0.1:${proxy.port}`, commandTimeoutMs: 300 })
    try {
      await snapshot.ping()
      proxy.swallowAll()
      const lost = await Promise.allSettled([1, 2, 3].map(() => snapshot.ping()))
      expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      const ping = () => snapshot.ping().then(() => 'back', messageOf)
      await expect.poll(ping, { timeout: 20_000 }).toBe('back')
    } finally {
      await snapshot.close()
      await proxy.close()
    }
  })

  it('fails quickly while Redis is away and goes on when it is back', async () => {
    const lines: string[] = []
    const port = await freePort()
    const snapshot = createRedisSnapshot({
      url: `redis://:hidden-word@127.0.0.1:${port}`,
      logger: (level, message) => lines.push(`${level} ${message}`),
    })
    try {
      for (let i = 0; i < 20; i++) {
        const before = performance.now()
        const failed: unknown = await snapshot.write(0, { e: 1, offset: i }, []).catch((error: unknown) => error)
        expect(failed).toBeInstanceOf(TransientError)
        expect(failed).toMatchObject({ code: 'SNAPSHOT_UNREACHABLE' })
        expect(performance.now() - before).toBeLessThan(1_000)
      }
      for (let round = 0; round < 2; round++) {
        const redis = await startRedis({ port })
        await expect
          .poll(
            () =>
              snapshot.ping().then(
                () => 'back',
                () => 'away',
              ),
            { timeout: 15_000 },
          )
          .toBe('back')
        await snapshot.write(0, { e: 1, offset: 100 }, [])
        await redis.kill()
        await expect(snapshot.ping()).rejects.toBeInstanceOf(TransientError)
      }
      // One line for each change, however many calls failed.
      expect(lines).toEqual([
        'warn redis is not reachable, trying again',
        'info redis is reachable',
        'warn redis is not reachable, trying again',
        'info redis is reachable',
        'warn redis is not reachable, trying again',
      ])
    } finally {
      await snapshot.close()
    }
  })

  it('gives up on a Redis that accepts and says nothing', async () => {
    const sockets = new Set<import('node:net').Socket>()
    const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const snapshot = createRedisSnapshot({ url: `redis://127.0.0.1:${port}`, commandTimeoutMs: 200 })
    const before = performance.now()
    await expect(snapshot.read('A', 60)).rejects.toMatchObject({ code: 'SNAPSHOT_UNREACHABLE' })
    expect(performance.now() - before).toBeLessThan(2_000)
    await snapshot.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  it('refuses an address that is none, and does not show it', () => {
    const attempt = () => createRedisSnapshot({ url: 'http://user:hidden-word@host' })
    expect(attempt).toThrow(FatalError)
    expect(attempt).not.toThrow(/hidden-word/)
  })
})
