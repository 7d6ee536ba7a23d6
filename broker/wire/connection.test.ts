import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Connection, openConnection } from './connection.ts'
import { heartbeat } from './requests.ts'

const member = { groupId: 'g', groupGenerationId: 1, memberId: 'm' }

interface Served {
  readonly connection: Connection
  /** The broker's end. */
  readonly socket: Socket
  readonly unanswered: number[]
  close(): Promise<void>
}

/** A connection to a broker that says what the test says. */
async function served(): Promise<Served> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const accepted = once(server, 'connection')
  const unanswered: number[] = []
  const onUnanswered = (sentAt: number): void => void unanswered.push(sentAt)
  const connection = await openConnection({ host: '127.0.0.1', port }, { clientId: 'test', onUnanswered })
  const [socket] = (await accepted) as [Socket]
  socket.on('error', () => undefined)
  return {
    ...{ connection, socket, unanswered },
    async close() {
      connection.end('the test is over')
      socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An answer of the heartbeat: length, correlation, throttling, code. */
function answer(id: number, code: number): Buffer {
  const bytes = Buffer.alloc(14)
  bytes.writeInt32BE(10, 0)
  bytes.writeInt32BE(id, 4)
  bytes.writeInt16BE(code, 12)
  return bytes
}

it('takes answers apart, however they come', async () => {
  const { connection, socket, close } = await served()
  const settled = Promise.allSettled([1, 2, 3].map(() => connection.call(heartbeat, member)))
  const bytes = Buffer.concat([answer(1, 0), answer(2, 27), answer(3, 0)])
  for (let at = 0; at < bytes.length; at += 3) {
    socket.write(bytes.subarray(at, at + 3))
    await sleep(1)
  }
  const results = await settled
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { kafkaCode: 27 } })
  expect(connection.isClosed).toBe(false)
  await close()
})

it.each([
  { what: 'an answer that nobody asked for', bytes: answer(99, 0) },
  { what: 'a length that no answer has', bytes: Buffer.from([0x7f, 0, 0, 0]) },
  { what: 'a negative length', bytes: Buffer.from([0xff, 0, 0, 0]) },
])('ends with $what, and all that waits fails', async ({ bytes }) => {
  const { connection, socket, close } = await served()
  const call = connection.call(heartbeat, member)
  socket.write(bytes)
  await expect(call).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
  await expect(connection.call(heartbeat, member)).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
  expect(connection.isClosed).toBe(true)
  await close()
})

it('ends where the broker does, and where it does not answer in time', async () => {
  const gone = await served()
  const cut = gone.connection.call(heartbeat, member)
  gone.socket.destroy()
  await expect(cut).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
  await gone.close()
  const { connection, unanswered, close } = await served()
  await expect(connection.call(heartbeat, member)).rejects.toMatchObject({
    why: expect.stringContaining('no answer within') as unknown,
  })
  expect([connection.isClosed, unanswered.length]).toEqual([true, 1])
  await close()
}, 20_000)
