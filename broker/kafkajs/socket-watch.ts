import { connect, type Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'

/** The connections of one client, and when each was last heard of. */
interface SocketWatch {
  readonly socketFactory: ISocketFactory
  /** Ends those that have said nothing since. @param sentAt Epoch ms of a request that got no answer. */
  cutSilent(sentAt: number): void
}

const keepAliveMs = 10_000

/**
 * A request that gets no answer in time fails in the client, and its connection stays in use: one that died without a
 * word would fail every later request as well. It is ended here, and the client makes a new one.
 */
export function createSocketWatch(): SocketWatch {
  const heardAt = new Map<Socket, number>()
  return {
    socketFactory({ host, port, onConnect }) {
      const socket = connect({ host, port }, onConnect)
      socket.setKeepAlive(true, keepAliveMs)
      heardAt.set(socket, Date.now())
      socket.on('data', () => heardAt.set(socket, Date.now()))
      socket.on('close', () => heardAt.delete(socket))
      return socket
    },
    cutSilent(sentAt) {
      for (const [socket, last] of heardAt) if (last < sentAt) socket.destroy(new Error('no answer came in time'))
    },
  }
}
