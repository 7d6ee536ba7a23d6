import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { loadUws } from '../gateway/uws.ts'

/** A server that only carries text: what a gateway can be at most, or would be by hand. */
export interface RawServer {
  readonly port: number
  /** One text to all who follow a symbol. */
  publish(symbol: string, text: string): void
  close(): Promise<void>
}

const host = '127.0.0.1'
const subprotocol = 'candles.v1'
const subscribeOp = z.object({ channels: z.array(z.object({ symbol: z.string() })) })
/** The clients count these. */
const snapshotText = '{"type":"snapshot"}'
const backpressureMax = 64 * 1024 * 1024

const symbolsOf = (message: string): readonly string[] =>
  subscribeOp.parse(JSON.parse(message)).channels.map(({ symbol }) => symbol)

/** uWebSockets.js with its own topics, and nothing else. */
export async function startRawUws(): Promise<RawServer> {
  const uws = await loadUws()
  const app = uws.createApp()
  app.ws('/*', {
    maxBackpressure: backpressureMax,
    upgrade(response, request, context) {
      const header = (name: string): string => request.getHeader(name)
      response.upgrade({}, header('sec-websocket-key'), subprotocol, header('sec-websocket-extensions'), context)
    },
    message(socket, message) {
      for (const symbol of symbolsOf(Buffer.from(message).toString())) {
        socket.subscribe(symbol)
        socket.send(snapshotText)
      }
    },
  })
  const listening = uws.listen(app, { host, port: 0 })
  if (listening === undefined) throw new Error('no free port')
  return {
    port: listening.port,
    publish: (symbol, text) => void app.publish(symbol, text),
    async close() {
      app.close()
    },
  }
}

/** The `ws` package, and a set of sockets for each symbol. */
export async function startWs(): Promise<RawServer> {
  const server = createServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, handleProtocols: () => subprotocol })
  const followers = new Map<string, Set<{ send(text: Uint8Array, options: { binary: false }): void }>>()
  sockets.on('connection', (socket) => {
    socket.on('message', (message) => {
      for (const symbol of symbolsOf(String(message))) {
        const of = followers.get(symbol) ?? new Set()
        followers.set(symbol, of.add(socket))
        socket.send(snapshotText)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    publish(symbol, text) {
      const bytes = Buffer.from(text)
      for (const socket of followers.get(symbol) ?? []) socket.send(bytes, { binary: false })
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
