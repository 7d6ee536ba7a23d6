import type { GatewayMetrics } from './metrics.ts'
import { problem, type Reply, statusLine } from './reply.ts'
import type { ApiRequest } from './rest.ts'
import { type StaticFiles, staticReply } from './static-files.ts'
import type { HttpRequest, HttpResponse } from './uws.ts'

const securityHeaders = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['x-frame-options', 'DENY'],
] as const

/** Everything from here, nothing inline but style sheets of these hashes. */
export function contentSecurityPolicy(styleHashes: readonly string[]): string {
  const styles = ["'self'", ...styleHashes.map((hash) => `'${hash}'`)].join(' ')
  return (
    `default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src ${styles}; object-src 'none'; ` +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
  )
}

export interface Server {
  handle(response: HttpResponse, request: HttpRequest): void
  /** Answers at once; the response must not have been aborted. */
  reply(response: HttpResponse, reply: Reply): void
}

/** Puts answers on the wire: the dashboard's files at once, everything else when it is there. */
export function createServer(options: {
  readonly rest: (request: ApiRequest) => Promise<Reply>
  readonly files: StaticFiles
  readonly metrics: GatewayMetrics
  readonly styleHashes: readonly string[]
}): Server {
  const { rest, files, metrics } = options
  const policy = ['content-security-policy', contentSecurityPolicy(options.styleHashes)] as const

  const write = (response: HttpResponse, reply: Reply, withBody: boolean) => {
    response.writeStatus(statusLine(reply.status))
    for (const [name, value] of [...securityHeaders, policy, ...reply.headers]) response.writeHeader(name, value)
    if (withBody && reply.status !== 304) response.end(reply.body)
    else response.endWithoutBody(reply.status === 304 ? undefined : Buffer.byteLength(reply.body))
  }

  return {
    reply: (response, reply) => write(response, reply, true),
    handle(response, request) {
      // The request is only valid now: everything that is needed of it is read before any await.
      const method = request.getMethod()
      const path = request.getUrl()
      const asked: ApiRequest = {
        method,
        path,
        query: request.getQuery(),
        accept: request.getHeader('accept'),
        authorization: request.getHeader('authorization'),
      }
      const withBody = method !== 'head'
      // Always: without it even an answer without a body, given here and now, ends the process.
      let aborted = false
      response.onAborted(() => {
        aborted = true
      })
      const file = staticReply(files, path, request.getHeader('if-none-match'))
      if (file !== undefined) {
        const reads = method === 'get' || method === 'head'
        const reply = reads ? file : problem(405, 'only GET and HEAD', { headers: [['allow', 'GET, HEAD']] })
        metrics.requests.inc({ route: 'static', status: String(reply.status) })
        return write(response, reply, withBody)
      }
      void rest(asked).then((reply) => {
        const route = reply.status === 404 || reply.status === 401 ? 'other' : path
        metrics.requests.inc({ route, status: String(reply.status) })
        if (aborted) return
        response.cork(() => write(response, reply, withBody))
      })
    },
  }
}
