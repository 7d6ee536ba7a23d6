import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from 'uWebSockets.js'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'

// The package's types lack one overload of `listen` and the option's value.
declare module 'uWebSockets.js' {
  interface TemplatedApp {
    listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): TemplatedApp
  }
}

export type { HttpRequest, HttpResponse, TemplatedApp, WebSocket }
export type ListenSocket = us_listen_socket

/** The part of uWebSockets.js that the gateway uses; this file alone knows the package. */
export interface Uws {
  createApp(): TemplatedApp
  /** @returns The listening socket and its port, or undefined where the address cannot be had. */
  listen(app: TemplatedApp, at: ListenAddress): { readonly socket: ListenSocket; readonly port: number } | undefined
  stopListening(socket: ListenSocket): void
}

export interface ListenAddress {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

const exclusivePort = 1 // LIBUS_LISTEN_EXCLUSIVE_PORT

/** @throws {FatalError} `GATEWAY_UNAVAILABLE` where the native library does not load. */
export async function loadUws(): Promise<Uws> {
  try {
    const { App, us_listen_socket_close, us_socket_local_port } = await import('uWebSockets.js')
    return {
      createApp: () => App(),
      listen(app, { host, port }) {
        let found: ListenSocket | false = false
        app.listen(host, port, exclusivePort, (socket) => {
          found = socket
        })
        const socket: ListenSocket | false = found
        return socket === false ? undefined : { socket, port: us_socket_local_port(socket) }
      },
      stopListening: (socket) => us_listen_socket_close(socket),
    }
  } catch (cause) {
    throw new FatalError({
      code: 'GATEWAY_UNAVAILABLE',
      message: `uWebSockets.js does not load on ${process.platform} ${process.arch}, Node ${process.versions.node}`,
      why: `its binaries exist for Node 18 to 22 with glibc, not for musl (Alpine) and not for Node 24: ${messageOf(cause)}`,
      hint: 'run the gateway role on glibc with the pinned Node 22 (npm run topology); the other roles run without it',
      exitCode: exitCodes.config,
      cause,
    })
  }
}
