import { z } from 'zod'
import { type IntervalName, storedIntervals } from '../schemas/intervals.ts'
import { symbolPattern } from '../schemas/tick.ts'
import { problem, type Reply } from './reply.ts'

/** Calendar intervals, derived from days when they are read: weeks from Monday, months; UTC. */
export const calendarIntervals = ['1w', '1M'] as const
export type CalendarInterval = (typeof calendarIntervals)[number]
export type ServedInterval = IntervalName | CalendarInterval

/** Names of the intervals of the history API. */
export const servedIntervals: readonly string[] = [...Object.keys(storedIntervals), ...calendarIntervals]

export const limitDefault = 1000
export const limitMax = 10_000
/** Symbols of one request for the latest candles. */
export const symbolsMax = 200
/** Times from 1970 to 2100, epoch ms. */
const timeMax = 4_102_444_800_000

const isoPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/

/** Epoch ms of an ISO-8601 date or instant (UTC where it names no zone) or of epoch ms; undefined for anything else. */
export function parseTime(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) return within(Number(text))
  if (!isoPattern.test(text)) return undefined
  const zoned = text.length === 10 || /(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`
  const at = Date.parse(zoned)
  // Date.parse turns 30 February into March.
  if (Number.isNaN(at) || new Date(`${text.slice(0, 10)}T00:00:00Z`).toISOString().slice(0, 10) !== text.slice(0, 10))
    return undefined
  return within(at)
}

function within(at: number): number | undefined {
  return Number.isSafeInteger(at) && at >= 0 && at <= timeMax ? at : undefined
}

const timeHint = 'an ISO-8601 date or instant (UTC) or epoch ms, from 1970 to 2100'
const time = z.string(`is required: ${timeHint}`).transform((value, context) => {
  const at = parseTime(value)
  if (at !== undefined) return at
  context.addIssue({ code: 'custom', message: `is ${timeHint}` })
  return z.NEVER
})
const symbolHint = 'is 1 to 32 of letters, digits and : . _ / -'
const symbol = z.string('is required').regex(symbolPattern, symbolHint)
const interval = z
  .string()
  .default('1m')
  .transform((value, context): ServedInterval => {
    const calendar = calendarIntervals.find((name) => name === value)
    if (calendar !== undefined) return calendar
    for (const name of storedNames) if (name === value) return name
    context.addIssue({ code: 'custom', message: `is one of ${servedIntervals.join(', ')}` })
    return z.NEVER
  })
const storedNames: readonly IntervalName[] = ['1m', '5m', '15m', '30m', '1h', '4h', '1d']
const limitHint = `is an integer from 1 to ${limitMax}`
const limit = z
  .string()
  .regex(/^\d{1,9}$/, limitHint)
  .transform(Number)
  .refine((value) => value >= 1 && value <= limitMax, limitHint)
  .default(limitDefault)

const fill = z.enum(['none', 'previous_close'], 'is none or previous_close').default('none')

export const ohlcvQuery = z.object({
  symbol,
  interval,
  startDate: time,
  endDate: time.optional(),
  limit,
  fill,
})

const symbolList = z
  .string('is required: symbols, separated by commas')
  .transform((value) => [...new Set(value.split(','))])
  .refine((symbols) => symbols.length <= symbolsMax, `is at most ${symbolsMax} symbols`)
  .refine((symbols) => symbols.every((name) => symbolPattern.test(name)), `each ${symbolHint}`)

export const latestQuery = z.object({ symbols: symbolList, interval })

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reply: Reply }

/** Reads the parameters of a request; where any is wrong, a 400 names every one that is. */
export function readQuery<T>(schema: z.ZodType<T>, query: string): Read<T> {
  const parameters = new URLSearchParams(query)
  const twice = [...new Set(parameters.keys())].filter((name) => parameters.getAll(name).length > 1)
  const parsed = schema.safeParse(Object.fromEntries(parameters))
  const errors = [
    ...twice.map((field) => ({ field, message: 'is given more than once' })),
    ...(parsed.error?.issues ?? []).map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
  ]
  if (parsed.success && errors.length === 0) return { ok: true, value: parsed.data }
  return { ok: false, reply: badFields(errors) }
}

export function badFields(errors: readonly { readonly field: string; readonly message: string }[]): Reply {
  const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ')
  return problem(400, 'parameters are not valid', { detail, errors })
}
