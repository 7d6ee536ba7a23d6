import { randomBytes } from 'node:crypto'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import { messageOf } from '../schemas/errors.ts'
import { bearerOf, createTokenCheck, type Origins, originAllowed, protocolsOf } from './access.ts'
import { type FanOut, windowTopic } from './fan-out.ts'
import { type ClientOp, type CloseKind, limits, parseOp, windowsMs } from './messages.ts'
import type { GatewayMetrics } from './metrics.ts'
import { problem, type Reply } from './reply.ts'
import { bufferedBytes, closeSession, createSession, type Session, send, sendError, takeToken } from './session.ts'
import { drainedBytes, type Subscriptions } from './subscriptions.ts'
import type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from './uws.ts'

export interface StreamOptions {
  readonly app: TemplatedApp
  readonly clock: Clock
  readonly log: Log
  readonly metrics: GatewayMetrics
  readonly subscriptions: Subscriptions
  readonly fanOut: FanOut
  readonly storeId: string
  readonly authToken: string | undefined
  readonly origins: Origins
  reply(response: HttpResponse, reply: Reply): void
}

export interface Stream {
  /** Once a second: time limits, heartbeats, sockets that wait. */
  tick(): void
  /** Says goodbye to everyone. */
  close(): void
}

const heartbeatSeconds = 15
const authWithinMs = 5000
const laggingMaxMs = 30_000
const ageMaxMs = 24 * 3_600_000
const connectionsMax = 50_000
/** Budget of a socket's buffer, bytes. */
const backpressureMax = 1024 * 1024
/** Above our own limit, so that 4505 can be sent. */
const payloadMax = 64 * 1024
const overRateMax = 100
const waitingOpsMax = 64

/** The WebSocket at `/v1/stream`. */
export function serveStream(options: StreamOptions): Stream {
  const { app, clock, log, metrics, subscriptions, fanOut } = options
  const sessions = new Set<Session>()
  const tokenFits = createTokenCheck(options.authToken)
  let heartbeatAt = clock.monotonic()
  let closing = false

  const upgrade = (response: HttpResponse, request: HttpRequest, context: Parameters<HttpResponse['upgrade']>[4]) => {
    const origin = request.getHeader('origin')
    const authorization = request.getHeader('authorization')
    const { accepted, token } = protocolsOf(request.getHeader('sec-websocket-protocol'))
    const key = request.getHeader('sec-websocket-key')
    if (closing) return options.reply(response, problem(503, 'the gateway is shutting down', { retryAfterSeconds: 1 }))
    if (!originAllowed(origin, request.getHeader('host'), options.origins))
      return options.reply(response, problem(403, 'this origin may not connect'))
    if (key === '') return options.reply(response, problem(400, 'this is a WebSocket: an upgrade is needed'))
    if (accepted === undefined) return options.reply(response, problem(400, 'the sub-protocol is candles.v1'))
    const given = authorization === '' ? token : bearerOf(authorization)
    const wrong = (authorization !== '' && given === undefined) || (given !== undefined && !tokenFits(given))
    if (wrong && authorization !== '') return options.reply(response, problem(401, 'the token is not accepted'))
    const full = sessions.size >= connectionsMax
    const refused: CloseKind | undefined = wrong ? 'badAuth' : full ? 'connectionLimit' : undefined
    const authed = options.authToken === undefined || (given !== undefined && !wrong)
    const session = createSession(randomBytes(6).toString('hex'), clock.monotonic(), authed, refused)
    response.upgrade(session, key, accepted, request.getHeader('sec-websocket-extensions'), context)
  }

  const hello = (session: Session) =>
    send(
      session,
      JSON.stringify({
        type: 'hello',
        v: 1,
        conn: session.conn,
        ts: clock.now(),
        heartbeat: heartbeatSeconds,
        limits,
        auth: session.authed ? 'ok' : 'required',
        store: options.storeId,
      }),
    )

  const open = (ws: WebSocket<Session>) => {
    const session = ws.getUserData()
    session.ws = ws
    sessions.add(session)
    metrics.clients.set(sessions.size)
    if (session.refused !== undefined) return closeSession(session, session.refused)
    hello(session)
  }

  const auth = (session: Session, op: Extract<ClientOp, { op: 'auth' }>) => {
    if (!tokenFits(op.token)) {
      sendError(session, 'authInvalid', op.id, 'the token is not accepted')
      return closeSession(session, 'badAuth')
    }
    session.authed = true
    send(session, JSON.stringify({ type: 'auth', id: op.id, ok: true, exp: null, sub: null }))
  }

  const perform = async (session: Session, op: ClientOp): Promise<void> => {
    if (session.closed) return
    switch (op.op) {
      case 'subscribe':
        return subscriptions.subscribe(session, op)
      case 'unsubscribe':
        return subscriptions.unsubscribe(session, op)
      case 'list':
        send(session, JSON.stringify({ type: 'list', id: op.id, channels: subscriptions.list(session) }))
        return
      case 'ping':
        send(session, JSON.stringify({ type: 'pong', id: op.id, ts: clock.now() }))
        return
      case 'auth':
        return auth(session, op)
    }
  }

  const enqueue = (session: Session, op: ClientOp) => {
    if (session.waiting >= waitingOpsMax)
      return sendError(session, 'rate', op.id, `${waitingOpsMax} operations wait already`, 1000)
    session.waiting++
    session.tail = session.tail
      .then(() => perform(session, op))
      .catch((error: unknown) => {
        log('error', 'an operation failed', { conn: session.conn, op: op.op, why: messageOf(error) })
        sendError(session, 'internal', op.id, 'the operation failed', 1000)
      })
      .finally(() => {
        session.waiting--
      })
  }

  const overRate = (session: Session, retryAfterMs: number) => {
    session.overRate++
    if (session.overRate > overRateMax) return closeSession(session, 'rate')
    sendError(session, 'rate', undefined, `at most ${limits.msgPerSec} messages a second`, retryAfterMs)
  }

  const message = (ws: WebSocket<Session>, bytes: ArrayBuffer, isBinary: boolean) => {
    const session = ws.getUserData()
    if (session.closed) return
    if (bytes.byteLength > limits.maxMsg) return closeSession(session, 'tooLarge')
    const retryAfterMs = takeToken(session, clock.monotonic())
    if (retryAfterMs > 0) return overRate(session, retryAfterMs)
    session.overRate = 0
    if (isBinary) return sendError(session, 'json', undefined, 'messages are text')
    const parsed = parseOp(Buffer.from(bytes).toString('utf8'))
    if (!parsed.ok) return sendError(session, parsed.kind, parsed.id, parsed.message)
    if (!session.authed && parsed.op.op !== 'auth' && parsed.op.op !== 'ping')
      return sendError(session, 'authRequired', parsed.op.id, 'send an auth message first')
    enqueue(session, parsed.op)
  }

  // A publish that did not fit is lost for this socket: what it follows is dirty until it drained.
  const dropped = (ws: WebSocket<Session>) => {
    const session = ws.getUserData()
    metrics.dropped.inc()
    if (session.closed || session.laggingSince !== undefined) return
    session.laggingSince = clock.monotonic()
    metrics.lagging.inc()
    setImmediate(() => {
      if (session.closed || session.laggingSince === undefined) return
      for (const [fan, { windowMs }] of session.subscriptions) {
        ws.unsubscribe(windowTopic(fan, windowMs))
        session.dirty.add(fan)
      }
    })
  }

  const drain = (ws: WebSocket<Session>) => {
    const session = ws.getUserData()
    if (session.closed || bufferedBytes(session) >= drainedBytes) return
    if (session.laggingSince !== undefined) {
      for (const [fan, { windowMs }] of session.subscriptions) {
        ws.unsubscribe(windowTopic(fan, windowMs))
        session.dirty.add(fan)
      }
      session.laggingSince = undefined
      metrics.lagging.dec()
    }
    pump(session)
  }

  const pump = (session: Session) => {
    subscriptions.pump(session).catch((error: unknown) => {
      log('warn', 'a snapshot waits', { conn: session.conn, why: messageOf(error) }) // the next tick tries again
    })
  }

  app.ws<Session>('/v1/stream', {
    maxPayloadLength: payloadMax,
    maxBackpressure: backpressureMax,
    closeOnBackpressureLimit: false,
    idleTimeout: 60,
    sendPingsAutomatically: true,
    compression: 0,
    upgrade,
    open,
    message,
    dropped,
    drain,
    close(ws) {
      const session = ws.getUserData()
      session.closed = true
      sessions.delete(session)
      if (session.laggingSince !== undefined) metrics.lagging.dec()
      subscriptions.drop(session)
      metrics.clients.set(sessions.size)
    },
  })

  const heartbeat = () => {
    fanOut.flushAll()
    for (const windowMs of windowsMs) fanOut.flushWindow(windowMs)
    const ts = clock.now()
    for (const session of sessions) {
      if (session.laggingSince !== undefined || session.refused !== undefined) continue
      const q: Record<string, number> = {}
      for (const fan of session.subscriptions.keys())
        if (fan.resetting === 0 && !session.dirty.has(fan)) q[fan.topic] = fan.live.ring.last
      send(session, JSON.stringify({ type: 'hb', ts, q }))
    }
  }

  return {
    tick() {
      const now = clock.monotonic()
      for (const session of sessions) {
        const lagging = session.laggingSince
        if (!session.authed && now - session.openedAt > authWithinMs) closeSession(session, 'authTimeout')
        else if (lagging !== undefined && now - lagging > laggingMaxMs) closeSession(session, 'slow')
        else if (now - session.openedAt > ageMaxMs) closeSession(session, 'maxAge')
        else if (lagging === undefined && session.dirty.size > 0) pump(session)
      }
      if (now - heartbeatAt < heartbeatSeconds * 1000) return
      heartbeatAt = now
      heartbeat()
    },
    close() {
      closing = true
      fanOut.flushAll()
      for (const session of sessions) {
        send(session, JSON.stringify({ type: 'goaway', reason: 'shutdown', reconnectInMs: [500, 5000] }))
        closeSession(session, 'shutdown')
      }
    },
  }
}
