import { DatabaseError } from 'pg'
import { exitCodes, FatalError, messageOf, RedwickError } from '../../schemas/errors.ts'
import { storeError } from '../sql/store-errors.ts'

const authClass = '28'
const databaseMissing = '3D000'

/** Turns what the driver threw into our errors; `secret` is nowhere in them. */
export type ErrorMapper = (error: unknown) => RedwickError

/** @param url  The database's address: its host is shown, its password never. */
export function createErrorMapper(url: URL): ErrorMapper {
  const secrets = [url.password, decodeURIComponent(url.password)].filter((secret) => secret !== '')
  const shown = `${url.hostname}${url.port === '' ? '' : `:${url.port}`}${url.pathname}`
  const scrub = (text: string) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text)

  return (error) => {
    if (error instanceof RedwickError) return error
    const message = scrub(messageOf(error))
    const state = error instanceof DatabaseError ? (error.code ?? '') : ''
    if (state.startsWith(authClass) || message.startsWith('SASL')) {
      return new FatalError({
        code: 'STORE_AUTH',
        message: `PostgreSQL at ${shown} refused the login of ${decodeURIComponent(url.username)}`,
        why: message,
        hint: 'Check user and password in DATABASE_URL.',
        exitCode: exitCodes.auth,
      })
    }
    if (state === databaseMissing) {
      return new FatalError({
        code: 'STORE_DATABASE_MISSING',
        message: `PostgreSQL at ${shown} has no such database`,
        why: message,
        hint: 'Create it (createdb), or change DATABASE_URL.',
        exitCode: exitCodes.config,
      })
    }
    return storeError({ message: state === '' ? `${shown}: ${message}` : message, state })
  }
}

/** @throws {FatalError} `CONFIG` when `text` is not a PostgreSQL address; the text, which may hold a password, is not shown. */
export function parseDatabaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && ['postgres:', 'postgresql:'].includes(url.protocol)) return url
  throw new FatalError({
    code: 'CONFIG',
    message: 'DATABASE_URL is not an address of PostgreSQL',
    why: 'Accepted: postgres://USER:PASSWORD@HOST:PORT/DATABASE',
    hint: 'Percent-encode special characters of the password.',
    exitCode: exitCodes.config,
  })
}
