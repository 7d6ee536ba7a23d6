import { createHash, timingSafeEqual } from 'node:crypto'
import { exitCodes, FatalError } from '../schemas/errors.ts'

const loopbackNames = new Set(['localhost', '::1', '[::1]'])
const tokenLengthMin = 32

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return loopbackNames.has(host) || /^127(\.\d{1,3}){3}$/.test(host)
}

/**
 * An address that others can reach needs a token, and a token needs its length.
 *
 * @throws {FatalError} `AUTH_REQUIRED` or `AUTH_TOKEN_WEAK`.
 */
export function requireAuthForAddress(host: string, token: string | undefined): void {
  if (token !== undefined && token.length < tokenLengthMin)
    throw new FatalError({
      code: 'AUTH_TOKEN_WEAK',
      message: `AUTH_TOKEN has ${token.length} characters`,
      why: `a token that can be guessed protects nothing; it needs ${tokenLengthMin} or more`,
      hint: 'make one with: openssl rand -hex 32',
      exitCode: exitCodes.config,
    })
  if (token !== undefined || isLoopback(host)) return
  throw new FatalError({
    code: 'AUTH_REQUIRED',
    message: `HOST=${host} is not a loopback address, and there is no AUTH_TOKEN`,
    why: 'anyone who reaches that address could read everything',
    hint: `set AUTH_TOKEN (${tokenLengthMin} characters or more), or HOST=127.0.0.1`,
    exitCode: exitCodes.config,
  })
}

/** Compares in a time that does not depend on what was given. */
export function createTokenCheck(token: string | undefined): (given: string) => boolean {
  if (token === undefined) return () => true
  const wanted = digest(token)
  return (given) => timingSafeEqual(digest(given), wanted)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The token of an `Authorization` header; undefined where it is none of `Bearer`. */
export function bearerOf(header: string): string | undefined {
  return /^Bearer ([^\s,]{1,4096})$/i.exec(header)?.[1]
}

export interface Origins {
  readonly allowed: ReadonlySet<string>
  /** A page of another name that resolves to this machine must not reach a gateway that asks for no token. */
  readonly loopbackOnly: boolean
}

/** Whether a page of `origin` may connect; no origin means no browser. */
export function originAllowed(origin: string, host: string, origins: Origins): boolean {
  if (origin === '' || origins.allowed.has(origin)) return true
  if (origins.loopbackOnly && !isLoopback(host.replace(/:\d+$/, ''))) return false
  return host !== '' && (origin === `http://${host}` || origin === `https://${host}`)
}

/** What a client asks for in `Sec-WebSocket-Protocol`. */
export interface Protocols {
  /** To be echoed; undefined where the client named some, but none that is spoken here; empty where it named none. */
  readonly accepted: string | undefined
  readonly token: string | undefined
}

export function protocolsOf(header: string): Protocols {
  const names = header.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
  const bearer = names.find((name) => name.startsWith('bearer.'))
  const accepted = names.length === 0 ? '' : names.includes('candles.v1') ? 'candles.v1' : undefined
  return { accepted, token: bearer?.slice('bearer.'.length) }
}
