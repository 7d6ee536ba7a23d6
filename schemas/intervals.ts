import { type IntervalSeconds, intervalSeconds } from './units.ts'

/** The candle intervals that are computed and stored, in seconds by name; each is a multiple of the one before. */
export const storedIntervals = {
  '1m': intervalSeconds(60),
  '5m': intervalSeconds(300),
  '15m': intervalSeconds(900),
  '30m': intervalSeconds(1800),
  '1h': intervalSeconds(3600),
  '4h': intervalSeconds(14_400),
  '1d': intervalSeconds(86_400),
} as const

export type IntervalName = keyof typeof storedIntervals

const namesBySeconds = new Map<number, string>(Object.entries(storedIntervals).map(([name, value]) => [value, name]))
const secondsByName = new Map<string, IntervalSeconds>(Object.entries(storedIntervals))

/** `'1m'` for 60; seconds with an `s` where no name is known. */
export function intervalName(seconds: number): string {
  return namesBySeconds.get(seconds) ?? `${seconds}s`
}

/** 60 for `'1m'`; undefined for a name that is not stored. */
export function intervalOf(name: string): IntervalSeconds | undefined {
  return secondsByName.get(name)
}
