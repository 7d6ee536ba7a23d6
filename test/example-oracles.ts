import type { TableRow } from '../schemas/table.ts'
import type { Tick } from '../schemas/tick.ts'
import type { PageView } from '../topology/examples/views.ts'

// What the tables of the examples hold when time has passed everything: brute force over all that was written.

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const key = keyOf(one)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  return groups
}

const sessionGapMs = 30 * 60_000

/** Sessions of users that end by `watermark`, ascending by user and start. */
export function oracleSessions(views: readonly PageView[], watermark: number): TableRow[] {
  const byUser = groupBy(views, ({ user }) => user)
  const rows: TableRow[] = []
  for (const user of [...byUser.keys()].sort()) {
    const sorted = [...(byUser.get(user) ?? [])].sort((a, b) => a.at - b.at)
    let session: PageView[] = []
    const close = (): void => {
      const [first] = session
      const last = session.at(-1)
      if (first === undefined || last === undefined || last.at + sessionGapMs - 1 > watermark) return
      rows.push({
        user_id: user,
        began: first.at,
        ended: last.at + sessionGapMs,
        views: session.length,
        pages: new Set(session.map(({ page }) => page)).size,
        ms: session.reduce((sum, { ms }) => sum + ms, 0),
      })
    }
    for (const view of sorted) {
      if (view.at - (session.at(-1)?.at ?? view.at) >= sessionGapMs) {
        close()
        session = []
      }
      session.push(view)
    }
    close()
  }
  return rows
}

const nearMs = 250
const minuteMs = 60_000

/** Spreads of minutes that end by `watermark`, ascending by pair and minute. */
export function oracleSpreads(ticks: readonly Tick[], watermark: number): TableRow[] {
  const pairOf = ({ symbol }: Tick): string => symbol.slice(symbol.indexOf(':') + 1)
  const found = new Map<string, { pair: string; minute: number; all: number[] }>()
  for (const [pair, trades] of groupBy(ticks, pairOf)) {
    const kraken = trades.filter(({ symbol }) => symbol.startsWith('kraken:'))
    const coinbase = trades.filter(({ symbol }) => symbol.startsWith('coinbase:'))
    for (const left of kraken)
      for (const right of coinbase) {
        if (Math.abs(left.eventTime - right.eventTime) > nearMs) continue
        const minute = Math.floor(Math.max(left.eventTime, right.eventTime) / minuteMs) * minuteMs
        const key = `${pair} ${minute}`
        const row = found.get(key) ?? { pair, minute, all: [] }
        found.set(key, row)
        row.all.push(((right.price - left.price) / left.price) * 10_000)
      }
  }
  return [...found.values()]
    .filter(({ minute }) => minute + minuteMs - 1 <= watermark)
    .sort((a, b) => (a.pair < b.pair ? -1 : a.pair > b.pair ? 1 : a.minute - b.minute))
    .map(({ pair, minute, all }) => ({
      ...{ pair, minute, matches: all.length },
      ...{ least_bps: Math.min(...all), greatest_bps: Math.max(...all) },
    }))
}
