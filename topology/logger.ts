import pc from 'picocolors'
import { pino } from 'pino'
import type { Log, LogLevel } from '../ports/logger.ts'

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export interface LoggerOptions {
  readonly level: LogLevel
  /** One JSON object a line (pino), for machines. */
  readonly isJson: boolean
}

const colours: Record<LogLevel, (text: string) => string> = {
  debug: pc.dim,
  info: (text) => text,
  warn: pc.yellow,
  error: pc.red,
}

function detailText(details: Record<string, unknown>): string {
  return Object.entries(details)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

/** Control characters could forge lines or move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Lines on stderr: plain ones for people, pino's JSON for machines. Standard output stays for results. */
export function createLogger({ level, isJson }: LoggerOptions): Log {
  if (isJson) {
    const logger = pino({ level, base: {} }, pino.destination({ dest: 2, sync: true }))
    return (at, message, details = {}) => logger[at](details, message)
  }
  const least = logLevels.indexOf(level)
  return (at, message, details = {}) => {
    if (logLevels.indexOf(at) < least) return
    const time = new Date().toISOString().slice(11, 23)
    const text = printable(`${message}${Object.keys(details).length > 0 ? `  ${detailText(details)}` : ''}`)
    process.stderr.write(`${pc.dim(time)} ${colours[at](text)}\n`)
  }
}
