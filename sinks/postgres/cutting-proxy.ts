import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy for tests that cuts connections where it is told to. */
interface CuttingProxy {
  readonly port: number
  /** The next connection's bytes to the server, counted from now, that pass before all connections are cut. */
  cutAfterSent(bytes: number): void
  /** As above, but of the server's answers: what was sent has arrived, the answer is lost. */
  cutAfterAnswered(bytes: number): void
  /** Nothing passes any more, and no connection ends: a network that swallows. */
  stall(): void
  /** Lets everything pass again. */
  mend(): void
  close(): Promise<void>
}

/** @param target  Port of the server on the loopback interface. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let stalled = false
  const left = { sent: Number.POSITIVE_INFINITY, answered: Number.POSITIVE_INFINITY }

  function pass(from: Socket, to: Socket, direction: 'sent' | 'answered'): void {
    sockets.add(from)
    from.on('data', (chunk) => {
      if (stalled) return
      const passing = chunk.subarray(0, Math.min(chunk.length, left[direction]))
      left[direction] -= chunk.length
      const cut = left[direction] < 0
      to.write(passing, () => {
        if (cut) cutAll()
      })
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  function cutAll(): void {
    for (const socket of sockets) socket.destroy()
  }

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    pass(client, upstream, 'sent')
    pass(upstream, client, 'answered')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cutAfterSent(bytes) {
      left.sent = bytes
    },
    cutAfterAnswered(bytes) {
      left.answered = bytes
    },
    stall() {
      stalled = true
    },
    mend() {
      stalled = false
      left.sent = Number.POSITIVE_INFINITY
      left.answered = Number.POSITIVE_INFINITY
    },
    async close() {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
