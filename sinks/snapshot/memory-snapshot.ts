import type { ChannelSnapshot, LivePosition, Snapshot } from '../../ports/snapshot.ts'
import { invariant } from '../../schemas/errors.ts'

/** Channels kept at most: symbols × intervals of one process. */
const channelsMax = 2_000_000

/** The snapshot of a process that runs all roles: gone with it, rebuilt from the store and the log. */
export function createMemorySnapshot(): Snapshot {
  const channels = new Map<number, Map<string, ChannelSnapshot>>()
  const positions = new Map<number, LivePosition>()
  let count = 0

  function put(channel: ChannelSnapshot): void {
    const bySymbol = channels.get(channel.interval) ?? new Map<string, ChannelSnapshot>()
    channels.set(channel.interval, bySymbol)
    const known = bySymbol.get(channel.symbol)
    if (known !== undefined && !isNotOlder(channel, known)) return
    if (known === undefined)
      invariant(++count <= channelsMax, () => `the snapshot holds at most ${channelsMax} channels`)
    bySymbol.set(channel.symbol, channel)
  }

  return {
    async write(partition, position, written) {
      for (const channel of written) put(channel)
      if (position === undefined) return
      const known = positions.get(partition)
      const older =
        known !== undefined && (position.e < known.e || (position.e === known.e && position.offset < known.offset))
      if (!older) positions.set(partition, position)
    },
    read: async (symbol, interval) => channels.get(interval)?.get(symbol),
    async readMany(symbols, interval) {
      const bySymbol = channels.get(interval)
      return symbols.flatMap((symbol) => bySymbol?.get(symbol) ?? [])
    },
    position: async (partition) => positions.get(partition),
    async symbols() {
      const all = new Set([...channels.values()].flatMap((bySymbol) => [...bySymbol.keys()]))
      return [...all].sort()
    },
    ping: async () => undefined,
    close: async () => undefined,
  }
}

/** Written again, the same position may carry more: a final that was committed meanwhile. */
function isNotOlder(a: ChannelSnapshot, b: ChannelSnapshot): boolean {
  return a.e > b.e || (a.e === b.e && a.q >= b.q)
}
