import { STATUS_CODES } from 'node:http'

/** An answer, before it goes on the wire. */
export interface Reply {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string | Uint8Array
}

export interface ProblemDetails {
  readonly detail?: string
  /** Every field that is wrong, by name. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
  readonly retryAfterSeconds?: number
  readonly headers?: readonly (readonly [string, string])[]
}

const noStore = ['cache-control', 'no-store'] as const

export function json(body: unknown, status = 200): Reply {
  return { status, headers: [['content-type', 'application/json; charset=utf-8'], noStore], body: JSON.stringify(body) }
}

export function text(body: string, contentType = 'text/plain; charset=utf-8'): Reply {
  return { status: 200, headers: [['content-type', contentType], noStore], body }
}

/**
 * Problem details; never a stack or a cause.
 *
 * @see RFC 9457
 */
export function problem(status: number, title: string, details: ProblemDetails = {}): Reply {
  const { detail, errors, retryAfterSeconds, headers = [] } = details
  const retry = retryAfterSeconds === undefined ? [] : [['retry-after', String(retryAfterSeconds)] as const]
  return {
    status,
    headers: [['content-type', 'application/problem+json'], noStore, ...retry, ...headers],
    body: JSON.stringify({ type: 'about:blank', title, status, detail, errors }),
  }
}

/** `200 OK`, for the status line. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`
}
