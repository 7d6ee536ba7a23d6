import { z } from 'zod'
import { durationMs } from '../processors/operators/duration.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'

export const feedNames = ['sim', 'replay', 'none'] as const
export type FeedName = (typeof feedNames)[number]

/** What the command line says of the feed. */
export interface FeedOptions {
  readonly feed: FeedName
  readonly replayFile?: string | undefined
  readonly replaySpeed: number | 'max'
  readonly replayIds: 'auto' | 'monotonic' | 'unordered'
  readonly simSeed: number
  readonly simSpeed: number | 'max'
  readonly simStart?: number | undefined
  readonly simDurationMs: number
  readonly simRate: number
  readonly simSymbols?: readonly string[] | undefined
  readonly simDuplicates: number
}

function usage(message: string, hint: string): FatalError {
  return new FatalError({
    code: 'USAGE',
    message,
    why: 'the command line does not fit',
    hint,
    exitCode: exitCodes.usage,
  })
}

/** @throws {FatalError} `USAGE`. */
export function parseSpeed(name: string, text: string): number | 'max' {
  if (text === 'max') return 'max'
  const speed = Number(text.replace(/x$/, ''))
  if (Number.isFinite(speed) && speed > 0) return speed
  throw usage(`${name} ${text} is no speed`, 'give a number above 0 (1 is life), or max')
}

const instant = z.iso.datetime({ offset: true })

/** @throws {FatalError} `USAGE`. */
export function parseInstant(name: string, text: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return Date.parse(`${text}T00:00:00Z`)
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  const zoned = text.endsWith('Z') || /[+-]\d{2}:\d{2}$/.test(text) ? text : `${text}Z`
  const parsed = instant.safeParse(zoned.replace(/(T\d{2}:\d{2})(Z|[+-]\d{2}:\d{2})$/, '$1:00$2'))
  if (parsed.success) return Date.parse(parsed.data)
  throw usage(`${name} ${text} is no time`, 'give a date, an instant such as 2026-01-01T00:00:00Z, or epoch ms')
}

/** @throws {FatalError} `USAGE`. */
export function parseDuration(name: string, text: string): number {
  try {
    return durationMs(text)
  } catch {
    throw usage(`${name} ${text} is no length of time`, 'give a number with ms, s, m, h or d, e.g. 24h')
  }
}

/** @throws {FatalError} `USAGE`. */
export function parseNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= min && value <= max) return value
  throw usage(`${name} ${text} is out of range`, `give a number from ${min} to ${max}`)
}
