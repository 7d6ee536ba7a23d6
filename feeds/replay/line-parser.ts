import type { Tick } from '../../schemas/tick.ts'

/** How trade ids are to be taken: numeric ones as an order (`auto`), all as an order, or none. */
export type ReplayIds = 'auto' | 'monotonic' | 'unordered'

export type RefusalReason = 'MALFORMED' | 'OVERSIZED' | 'BAD_TIME' | 'BAD_PRICE' | 'BAD_SIZE'

/** What a line gave; a line may give several ticks, or nothing. */
export interface LineSink {
  tick(tick: Tick): void
  refuse(reason: RefusalReason, detail: string): void
  /** The line is understood and holds no trade. */
  ignore(): void
}

/** Reads one line of a file; `position` is its number, from 1. */
export type LineParser = (line: string, position: number, sink: LineSink) => void

export interface LineParserOptions {
  readonly line: string
  readonly ids: ReplayIds
}

const decimalPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/
const integerPattern = /^-?\d{1,16}$/

/** The number that a decimal text holds, or NaN: no blanks, no hexadecimal, no `Infinity`. */
export function decimalOf(text: string): number {
  if (!decimalPattern.test(text)) return Number.NaN
  const value = Number(text)
  return Number.isFinite(value) ? value : Number.NaN
}

/** The safe integer that a text holds, or NaN. */
export function integerOf(text: string): number {
  if (!integerPattern.test(text)) return Number.NaN
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : Number.NaN
}

/** Text of a JSON field that holds text or a number. */
export function fieldText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** A JSON object's field, or undefined where there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}
