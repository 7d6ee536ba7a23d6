/** Digits after the point of a decimal string: 2 for `'60.10'`. */
export function fractionDigits(text: string): number {
  const point = text.indexOf('.')
  return point < 0 ? 0 : text.length - point - 1
}

/** A decimal string with grouped thousands, its fraction padded (never cut) to `digits`: `60,001.30`. No float is involved. */
export function groupedDecimal(text: string, digits = 0): string {
  const negative = text.startsWith('-')
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  const padded = fraction.padEnd(digits, '0')
  return `${negative ? '−' : ''}${grouped}${padded === '' ? '' : `.${padded}`}`
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 })

/** `12.35`, `4.2K`, `1.07M`; tiny amounts keep three significant digits. */
export function compactAmount(text: string): string {
  const value = Number(text)
  if (value !== 0 && Math.abs(value) < 0.01) return String(Number(value.toPrecision(3)))
  return compact.format(value)
}

/** `from` → `to` as text: `+12.50 (+0.42%)`; empty where `from` is 0 or either is not a number. */
export function changeText(from: number, to: number, digits: number): string {
  const percent = percentText(from, to)
  if (percent === '') return ''
  const change = to - from
  return `${sign(change)}${groupedDecimal(Math.abs(change).toFixed(digits), digits)} (${percent})`
}

/** `+0.42%`; empty where `from` is 0 or either is not a number. */
export function percentText(from: number, to: number): string {
  if (from === 0 || !Number.isFinite(from) || !Number.isFinite(to)) return ''
  const percent = ((to - from) / from) * 100
  return `${sign(percent)}${Math.abs(percent).toFixed(2)}%`
}

function sign(value: number): string {
  return value > 0 ? '+' : value < 0 ? '−' : ''
}

/** `2026-11-21 13:05` in UTC. */
export function utcMinute(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 16).replace('T', ' ')
}

/** `0:34`, `12:05`, `3:07:09`; `0:00` where nothing is left. */
export function countdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
