import { WebSocket } from 'ws'
import { z } from 'zod'

const frame = z.looseObject({ type: z.string() })
export type Frame = z.infer<typeof frame>

export interface TestClient {
  readonly socket: WebSocket
  /** Every message so far. */
  readonly frames: Frame[]
  send(message: unknown): void
  /** The first message from now or before that fits, each given out once. */
  next(type: string): Promise<Frame>
  /** The close code. */
  closed(): Promise<number>
  close(): void
}

/** Far above what a busy machine needs: what takes long is a benchmark's matter, what never comes is a test's. */
const waitMaxMs = 20_000

/** Connects to a gateway's stream. */
export function connect(
  url: string,
  options: { readonly protocols?: readonly string[]; readonly headers?: Readonly<Record<string, string>> } = {},
): TestClient {
  const target = `${url.replace('http', 'ws')}/v1/stream`
  const socket = new WebSocket(target, [...(options.protocols ?? [])], { headers: { ...options.headers } })
  const frames: Frame[] = []
  const unread = new Map<string, Frame[]>()
  const waiting = new Set<() => void>()
  const code = new Promise<number>((resolve) => socket.on('close', resolve))
  socket.on('error', () => undefined)
  socket.on('message', (data) => {
    const received = frame.parse(JSON.parse(String(data)))
    frames.push(received)
    const ofType = unread.get(received.type)
    if (ofType === undefined) unread.set(received.type, [received])
    else ofType.push(received)
    for (const look of waiting) look()
  })
  return {
    socket,
    frames,
    send(message) {
      const text = typeof message === 'string' ? message : JSON.stringify(message)
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
      else socket.once('open', () => socket.send(text))
    },
    next: (type) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error(`no ${type} within ${waitMaxMs} ms; got ${JSON.stringify(frames).slice(0, 2000)}`))
        }, waitMaxMs)
        const look = () => {
          const found = unread.get(type)?.shift()
          if (found === undefined) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    closed: () => code,
    close: () => socket.terminate(),
  }
}
