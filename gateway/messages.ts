import { z } from 'zod'
import { storedIntervals } from '../schemas/intervals.ts'
import { symbolPattern } from '../schemas/tick.ts'

/** What one connection may do; told in `hello`. */
export const limits = { channels: 200, msgPerSec: 10, burst: 50, maxMsg: 16_384, snapshot: 1000 } as const

/** Windows of conflation that a subscription may ask for, ms; 0 for every update as it comes. */
export const windowsMs = [100, 250, 1000] as const
export type WindowMs = (typeof windowsMs)[number]

/** Codes of the `error` message and of a refused channel. */
export const errors = {
  json: { code: 1000, name: 'JSON' },
  schema: { code: 1001, name: 'SCHEMA' },
  op: { code: 1002, name: 'OP' },
  authRequired: { code: 1100, name: 'AUTH_REQUIRED' },
  authInvalid: { code: 1101, name: 'AUTH_INVALID' },
  symbol: { code: 1200, name: 'SYMBOL' },
  interval: { code: 1201, name: 'INTERVAL' },
  notSubscribed: { code: 1203, name: 'NOT_SUBSCRIBED' },
  channelLimit: { code: 1204, name: 'CHANNEL_LIMIT' },
  rate: { code: 1300, name: 'RATE' },
  snapshotDown: { code: 1400, name: 'SNAPSHOT_DOWN' },
  internal: { code: 1500, name: 'INTERNAL' },
} as const

export type ErrorKind = keyof typeof errors

/** Codes with which the gateway closes: 4000 to 4499 come back with jitter, from 4500 on do not. */
export const closes = {
  shutdown: { code: 1001, reason: 'shutdown' },
  maxAge: { code: 4001, reason: 'max age' },
  slow: { code: 4002, reason: 'slow' },
  rate: { code: 4029, reason: 'rate' },
  badAuth: { code: 4501, reason: 'bad auth' },
  authTimeout: { code: 4503, reason: 'auth timeout' },
  connectionLimit: { code: 4504, reason: 'connection limit' },
  tooLarge: { code: 4505, reason: 'too large' },
} as const

export type CloseKind = keyof typeof closes

const id = z.union([z.number(), z.string().max(64)]).optional()
const counter = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const channelName = { symbol: z.string().regex(symbolPattern), interval: z.string().min(1).max(8) }

const subscribeOp = z.object({
  op: z.literal('subscribe'),
  id,
  window: z.literal([0, ...windowsMs]).default(0),
  channels: z
    .array(
      z.object({
        ...channelName,
        snapshot: z.number().int().min(0).max(limits.snapshot).default(500),
        since: z.object({ store: z.string().max(128), e: counter, q: counter, seq: counter }).optional(),
      }),
    )
    .min(1)
    .max(limits.channels),
})

const unsubscribeOp = z.object({
  op: z.literal('unsubscribe'),
  id,
  channels: z.array(z.object(channelName)).min(1).max(limits.channels),
})

/** Every message that a client may send, by its `op`. */
export const clientOp = z.discriminatedUnion('op', [
  subscribeOp,
  unsubscribeOp,
  z.object({ op: z.literal('auth'), id, token: z.string().max(4096) }),
  z.object({ op: z.literal('list'), id }),
  z.object({ op: z.literal('ping'), id }),
])

export type ClientOp = z.infer<typeof clientOp>
export type SubscribeOp = z.infer<typeof subscribeOp>
export type UnsubscribeOp = z.infer<typeof unsubscribeOp>
export type MessageId = z.infer<typeof id>

const ops = new Set(['subscribe', 'unsubscribe', 'auth', 'list', 'ping'])

export type Parsed =
  | { readonly ok: true; readonly op: ClientOp }
  | { readonly ok: false; readonly kind: ErrorKind; readonly id: MessageId; readonly message: string }

/** Reads a client's message; what is wrong with it is a value. */
export function parseOp(text: string): Parsed {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return { ok: false, kind: 'json', id: undefined, message: 'the message is not JSON' }
  }
  const head = z.object({ id: id.catch(undefined), op: z.string().catch('') }).safeParse(raw)
  if (!head.success) return { ok: false, kind: 'schema', id: undefined, message: 'the message is not an object' }
  if (!ops.has(head.data.op)) {
    const message = `op is one of ${[...ops].join(', ')}`
    return { ok: false, kind: 'op', id: head.data.id, message }
  }
  const parsed = clientOp.safeParse(raw)
  if (parsed.success) return { ok: true, op: parsed.data }
  const message = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
  return { ok: false, kind: 'schema', id: head.data.id, message: message.slice(0, 1000) }
}

/** Text of an `error` message. */
export function errorText(kind: ErrorKind, id: MessageId, message: string, retryAfterMs: number | null = null): string {
  return JSON.stringify({ type: 'error', id, ...errors[kind], message, retry: retryAfterMs !== null, retryAfterMs })
}

/** Names of the intervals that are served live. */
export const intervalNames = Object.keys(storedIntervals)
