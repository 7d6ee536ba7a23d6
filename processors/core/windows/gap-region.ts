import type { Codec } from '../codec.ts'

/** A stretch of a key's windows, of which all are said; times in epoch ms. */
export interface GapRegion<T> {
  readonly from: number
  readonly to: number
  /** What was before it, if anything was. */
  readonly before: { readonly value: T } | undefined
  /** The windows in it that came, ascending; the others are fillers. */
  readonly came: readonly { readonly start: number; readonly value: T }[]
}

/** The value of the last window that came before `start`; undefined when none did. */
export function valueBefore<T>({ came, before }: GapRegion<T>, start: number): { readonly value: T } | undefined {
  return came.findLast((window) => window.start < start) ?? before
}

/** The region without the windows whose last instant is at or before `expired`: nothing changes them any more. */
export function trimmed<T>(
  region: GapRegion<T>,
  { everyMs, expired }: { readonly everyMs: number; readonly expired: number },
): GapRegion<T> {
  const { from, to } = region
  const gone = Math.floor((expired + 1 - from) / everyMs)
  if (gone <= 0) return region
  const start = Math.min(to, from + gone * everyMs)
  const before = valueBefore(region, start)
  return { from: start, to, before, came: region.came.filter((window) => window.start >= start) }
}

export function regionCodec<T>(codec: Codec<T>): Codec<GapRegion<T>> {
  return {
    write(writer, { from, to, before, came }) {
      writer.f64(from)
      writer.f64(to)
      writer.byte(before === undefined ? 0 : 1)
      if (before !== undefined) codec.write(writer, before.value)
      writer.uint(came.length)
      for (const { start, value } of came) {
        writer.f64(start)
        codec.write(writer, value)
      }
    },
    read(reader) {
      const [from, to] = [reader.f64(), reader.f64()]
      const before = reader.byte() === 1 ? { value: codec.read(reader) } : undefined
      const came: { readonly start: number; readonly value: T }[] = []
      for (let count = reader.uint(); count > 0; count--) came.push({ start: reader.f64(), value: codec.read(reader) })
      return { from, to, before, came }
    },
  }
}
