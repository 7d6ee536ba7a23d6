import { connect, createServer, type Socket } from 'node:net'

/** What a watch makes of one connection's bytes. */
export interface WireWatch {
  /** Bytes from the client. @returns What begins or ends in them, with how many of the bytes come before it. */
  sent(chunk: Buffer): readonly WireEvent[]
}

export interface WireEvent {
  readonly point: string
  /** Bytes of the chunk up to the point. */
  readonly at: number
  /** Of the message that begins there. */
  readonly bytes: number
}

/** One connection through the proxy. */
export interface Passage {
  /** Both ends are closed, nothing more arrives. */
  cut(): void
  /** The same, when so many more bytes have reached the server. */
  cutAfter(bytes: number): void
  /** The server is cut off, and the client hears nothing of it. */
  halfOpen(): void
  /** Nothing more passes, either way, and nothing ends. */
  swallow(): void
  /** What the server says next is lost: with its first bytes the connection ends. */
  loseAnswer(onLost?: (answer: Buffer) => void): void
  /** What follows reaches the server so much later. */
  hold(ms: number): void
}

/** What happens where a client comes to a point: before the bytes after it have passed. */
export type PointListener = (point: string, passage: Passage, bytes: number) => void

/** After so many more bytes one way, of all connections together, all are cut, or nothing passes any more. */
export interface ByteLimit {
  readonly way: 'sent' | 'answered'
  readonly bytes: number
  readonly end: 'cut' | 'black hole'
}

/** A TCP proxy between one process and one service that does to the network what it is told. */
export interface FaultProxy {
  readonly port: number
  /** Where the service is; it may come back elsewhere. */
  target: number
  /** Added to each direction. */
  latencyMs: number
  /** Called at each point that the watch tells. */
  onPoint: PointListener | undefined
  /** At the bytes themselves, wherever in a message that is. */
  limit(limit: ByteLimit): void
  /** Each of these three: @returns How many connections there were. */
  cutAll(): number
  halfOpenAll(): number
  /** Connections of now and of later stay silent; later than `mend` they pass again. */
  blackHole(): void
  /** Those of now stay silent for good; new ones pass. */
  swallowAll(): number
  mend(): void
  close(): Promise<void>
}

interface Link extends Passage {
  readonly client: Socket
  readonly upstream: Socket
}

/** @param makeWatch Makes a watch for each connection; without one there are no points. */
export async function startFaultProxy(target: number, makeWatch?: () => WireWatch): Promise<FaultProxy> {
  const links = new Set<Link>()
  let isHole = false
  let limit: ByteLimit | undefined
  let passedBytes = 0

  /** Writes what is within the limit; beyond it, does what the limit says. */
  function within(bytes: Buffer, way: 'sent' | 'answered', write: (part: Buffer, written: () => void) => void): void {
    const left = limit?.way === way ? limit.bytes - passedBytes : Number.POSITIVE_INFINITY
    passedBytes += limit?.way === way ? bytes.length : 0
    if (bytes.length <= left) {
      write(bytes, () => undefined)
      return
    }
    const isCut = limit?.end === 'cut'
    limit = undefined
    write(bytes.subarray(0, left), () => {
      if (isCut) proxy.cutAll()
    })
    if (!isCut) proxy.blackHole()
  }

  function link(client: Socket): void {
    const upstream = connect(proxy.target, '127.0.0.1')
    const watch = makeWatch?.()
    let [isSwallowed, isHalfOpen, heldUntil, quota] = [false, false, 0, Number.POSITIVE_INFINITY]
    let onLostAnswer: ((answer: Buffer) => void) | undefined
    /** Bytes keep their order, whatever the delay was for those before. */
    const lastDueAt = { sent: 0, answered: 0 }
    const pass = (to: Socket, bytes: Buffer, way: 'sent' | 'answered'): void => {
      const now = performance.now()
      const held = way === 'sent' ? heldUntil : 0
      const dueAt = Math.max(lastDueAt[way], now + proxy.latencyMs, held)
      lastDueAt[way] = dueAt
      const write = (): void => {
        if (isSwallowed || to.destroyed) return
        if (way === 'sent' && bytes.length > quota) {
          to.write(bytes.subarray(0, quota), () => one.cut())
          isSwallowed = true
          return
        }
        if (way === 'sent') quota -= bytes.length
        within(bytes, way, (part, written) => to.write(part, written))
      }
      if (dueAt <= now) write()
      else setTimeout(write, dueAt - now)
    }
    const one: Link = {
      client,
      upstream,
      cut() {
        client.destroy()
        upstream.destroy()
      },
      halfOpen() {
        isHalfOpen = true
        isSwallowed = true
        upstream.destroy()
      },
      swallow() {
        isSwallowed = true
      },
      cutAfter(bytes) {
        quota = bytes
      },
      loseAnswer(onLost = () => undefined) {
        onLostAnswer = onLost
      },
      hold(ms) {
        heldUntil = performance.now() + ms
      },
    }
    links.add(one)
    client.on('data', (chunk) => {
      let from = 0
      for (const { point, at, bytes } of watch?.sent(chunk) ?? []) {
        if (at > from && !isSwallowed) pass(upstream, chunk.subarray(from, at), 'sent')
        from = Math.max(from, at)
        proxy.onPoint?.(point, one, bytes)
        if (client.destroyed) return
      }
      if (!isSwallowed && from < chunk.length) pass(upstream, chunk.subarray(from), 'sent')
    })
    upstream.on('data', (chunk) => {
      if (onLostAnswer !== undefined) {
        onLostAnswer(chunk)
        one.cut()
      } else if (!isSwallowed) pass(client, chunk, 'answered')
    })
    const ended = (socket: Socket, other: Socket): void => {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (socket === upstream && (isHalfOpen || isSwallowed)) return
        links.delete(one)
        // What was on its way arrives first, as a network would have it.
        setTimeout(() => other.destroy(), proxy.latencyMs)
      })
    }
    ended(client, upstream)
    ended(upstream, client)
    if (isHole) one.swallow()
  }

  const server = createServer(link)
  const each = (act: (one: Link) => void): number => {
    const all = [...links]
    for (const one of all) act(one)
    return all.length
  }
  const proxy: FaultProxy = {
    port: 0,
    target,
    latencyMs: 0,
    onPoint: undefined,
    limit(next) {
      limit = next
      passedBytes = 0
    },
    cutAll: () => each((one) => one.cut()),
    halfOpenAll: () => each((one) => one.halfOpen()),
    swallowAll: () => each((one) => one.swallow()),
    blackHole() {
      isHole = true
      each((one) => one.swallow())
    },
    mend() {
      isHole = false
      limit = undefined
    },
    async close() {
      each((one) => one.cut())
      await new Promise((resolve) => server.close(resolve))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return Object.assign(proxy, { port: typeof address === 'object' && address !== null ? address.port : 0 })
}
